using System.Reflection;
using System.Runtime.CompilerServices;
using Dino.Cuda;

namespace Dino.Tests.Cuda;

/// <summary>
/// The structs that kernels are launched with. Between their fields there may be no bytes that belong to none: they hold anything, and repeated work compares
/// arguments as bytes.
/// </summary>
public sealed class KernelArgumentTests
{
    private static readonly MethodInfo s_sizeOf = typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!;

    public static TheoryData<string> Structs => [.. Types().Select(type => type.Name)];

    [Fact]
    public void All_structs_are_looked_at() => Assert.True(Types().Count() >= 40, $"{Types().Count()} structs were found.");

    [Theory, MemberData(nameof(Structs))]
    public void Fields_fill_the_struct(string name)
    {
        Type type = Types().Single(type => type.Name == name);
        Assert.True(Size(type) == FieldBytes(type), $"{name} has {Size(type)} bytes, and its fields {FieldBytes(type)}. Add fields named Padding where the others leave gaps.");
    }

    private static IEnumerable<Type> Types() =>
        typeof(CudaBackend).GetNestedTypes(BindingFlags.NonPublic | BindingFlags.Public).Where(type => type.IsValueType && type.Name.EndsWith("Arguments", StringComparison.Ordinal));

    private static int FieldBytes(Type type)
    {
        if (type.IsPrimitive || type.IsEnum)
            return Size(type);
        int fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Sum(field => FieldBytes(field.FieldType));
        return fields * (type.GetCustomAttribute<InlineArrayAttribute>()?.Length ?? 1);
    }

    private static int Size(Type type) => (int)s_sizeOf.MakeGenericMethod(type).Invoke(null, null)!;
}
