using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Dino.Cuda.Native;

/// <summary>What the driver of a device makes of a kernel.</summary>
/// <param name="Name">The kernel.</param>
/// <param name="Registers">Registers a thread.</param>
/// <param name="LocalBytes">Memory a thread spills to.</param>
/// <param name="SharedBytes">Shared memory a block, what a launch adds not included.</param>
internal sealed record KernelReport(string Name, int Registers, int LocalBytes, int SharedBytes);

/// <summary>What the driver of a device makes of a module.</summary>
/// <param name="Name">The module.</param>
/// <param name="Hash">SHA-256 of its PTX.</param>
/// <param name="Kernels">Its kernels; none if there is an error.</param>
/// <param name="Error">Why the driver rejects it.</param>
internal sealed partial record ModuleReport(string Name, string Hash, IReadOnlyList<KernelReport> Kernels, string? Error)
{
    private const string Ending = ".ptx";

    /// <summary>Names of all modules.</summary>
    public static IReadOnlyList<string> Modules { get; } =
        [.. typeof(ModuleReport).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(Ending, StringComparison.Ordinal)).Select(name => name[..^Ending.Length]).Order(StringComparer.Ordinal)];

    /// <summary>SHA-256 of the PTX of a module, in hexadecimal digits.</summary>
    public static string HashOf(string module) => Convert.ToHexStringLower(SHA256.HashData(KernelModules.Source(module)[..^1]));

    /// <summary>Names of the kernels in the PTX of a module.</summary>
    public static IEnumerable<string> KernelsOf(string module) =>
        Entry().Matches(System.Text.Encoding.UTF8.GetString(KernelModules.Source(module))).Select(match => match.Groups["name"].Value);

    /// <summary>Has the driver compile every kernel.</summary>
    public static IEnumerable<ModuleReport> Compile(CudaContext context)
    {
        using KernelModules modules = new(context);
        foreach (string module in Modules)
        {
            (List<KernelReport> kernels, string? error) = ([], null);
            try
            {
                foreach (string name in KernelsOf(module))
                {
                    Kernel kernel = modules[module, name];
                    kernels.Add(new(name, Attribute(FunctionAttribute.Registers), Attribute(FunctionAttribute.LocalSizeBytes), Attribute(FunctionAttribute.SharedSizeBytes)));

                    unsafe int Attribute(FunctionAttribute attribute)
                    {
                        int value;
                        context.Driver.Check(context.Driver.cuFuncGetAttribute(&value, attribute, kernel.Function));
                        return value;
                    }
                }
            }
            catch (CudaException problem)
            {
                error = problem.Message;
            }

            yield return new ModuleReport(module, HashOf(module), error is null ? kernels : [], error);
        }
    }

    [GeneratedRegex(@"^\.visible \.entry (?<name>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
