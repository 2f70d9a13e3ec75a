using System.Numerics;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// Arithmetic of integers. Registers of 16 bits lie in 32; what is above their own bits is undefined, so that whatever looks there drops it first.
/// </summary>
internal static unsafe partial class Opcodes
{
    private static void AddInteger()
    {
        foreach (string sign in (string[])["s", "u"])
        {
            Same("add." + sign + "16", 2, &Lane.Vector2<uint, Plus<uint>>);
            Same("sub." + sign + "16", 2, &Lane.Vector2<uint, Minus<uint>>);
            Same("mul.lo." + sign + "16", 2, &Lane.Vector2<uint, Times<uint>>);
            Same("mad.lo." + sign + "16", 3, &Lane.Vector3<uint, TimesPlus<uint>>);
            Same("add." + sign + "32", 2, &Lane.Vector2<uint, Plus<uint>>);
            Same("sub." + sign + "32", 2, &Lane.Vector2<uint, Minus<uint>>);
            Same("mul.lo." + sign + "32", 2, &Lane.Vector2<uint, Times<uint>>);
            Same("mad.lo." + sign + "32", 3, &Lane.Vector3<uint, TimesPlus<uint>>);
            Same("add." + sign + "64", 2, &Lane.Vector2<ulong, Plus<ulong>>);
            Same("sub." + sign + "64", 2, &Lane.Vector2<ulong, Minus<ulong>>);
            Same("mul.lo." + sign + "64", 2, &Lane.Vector2<ulong, Times<ulong>>);
            Same("mad.lo." + sign + "64", 3, &Lane.Vector3<ulong, TimesPlus<ulong>>);
        }

        Same("neg.s16", 1, &Lane.Vector<int, Opposite<int>>);
        Same("neg.s32", 1, &Lane.Vector<int, Opposite<int>>);
        Same("neg.s64", 1, &Lane.Vector<long, Opposite<long>>);
        Same("abs.s16", 1, &Lane.Map<uint, uint, Narrow1<short, Magnitude<short>>>);
        Same("abs.s32", 1, &Lane.Vector<int, MagnitudeVector<int>>);
        Same("abs.s64", 1, &Lane.Vector<long, MagnitudeVector<long>>);
        Same("min.s32", 2, &Lane.Vector2<int, Smaller<int>>);
        Same("max.s32", 2, &Lane.Vector2<int, Larger<int>>);
        Same("min.u32", 2, &Lane.Vector2<uint, Smaller<uint>>);
        Same("max.u32", 2, &Lane.Vector2<uint, Larger<uint>>);
        Same("min.s64", 2, &Lane.Vector2<long, Smaller<long>>);
        Same("max.s64", 2, &Lane.Vector2<long, Larger<long>>);
        Same("min.u64", 2, &Lane.Vector2<ulong, Smaller<ulong>>);
        Same("max.u64", 2, &Lane.Vector2<ulong, Larger<ulong>>);
        Add("dp4a.u32.s32", &Lane.Map3<uint, uint, int, int, FourProducts>, To("s32"), From("u32"), From("s32"), From("s32"));
        AddNarrow<short>("s16");
        AddNarrow<ushort>("u16");
        AddDivision<int>("s32");
        AddDivision<uint>("u32");
        AddDivision<long>("s64");
        AddDivision<ulong>("u64");
        AddWide<int, long>("s32", "s64");
        AddWide<uint, ulong>("u32", "u64");
        Same("mul.hi.s64", 2, &Lane.Map2<long, long, long, HighProduct>);
        Same("mul.hi.u64", 2, &Lane.Map2<ulong, ulong, ulong, HighProduct>);
        Add("mul.wide.s16", &Lane.Map2<uint, uint, uint, WideNarrow<short>>, To("s32"), From("s16"), From("s16"));
        Add("mul.wide.u16", &Lane.Map2<uint, uint, uint, WideNarrow<ushort>>, To("u32"), From("u16"), From("u16"));
    }

    /// <summary>Adds an instruction whose operands all have the type that its name ends in.</summary>
    private static void Same(string name, int sources, delegate*<Warp, Instruction, void> run)
    {
        PtxType type = Type(name[(name.LastIndexOf('.') + 1)..]);
        Add(name, run, [To(type), .. Enumerable.Repeat(From(type), sources)]);
    }

    private static void AddNarrow<T>(string type)
        where T : unmanaged, IBinaryInteger<T>
    {
        Same("min." + type, 2, &Lane.Map2<uint, uint, uint, Narrow2<T, SmallerScalar<T>>>);
        Same("max." + type, 2, &Lane.Map2<uint, uint, uint, Narrow2<T, LargerScalar<T>>>);
        Same("div." + type, 2, &Lane.Map2<uint, uint, uint, Narrow2<T, Quotient<T>>>);
        Same("rem." + type, 2, &Lane.Map2<uint, uint, uint, Narrow2<T, Remainder<T>>>);
        Same("mul.hi." + type, 2, &Lane.Map2<uint, uint, uint, HighNarrow<T>>);
    }

    private static void AddDivision<T>(string type)
        where T : unmanaged, IBinaryInteger<T>
    {
        Same("div." + type, 2, &Lane.Map2<T, T, T, Quotient<T>>);
        Same("rem." + type, 2, &Lane.Map2<T, T, T, Remainder<T>>);
    }

    private static void AddWide<T, TWide>(string type, string wide)
        where T : unmanaged, IBinaryInteger<T>
        where TWide : unmanaged, IBinaryInteger<TWide>
    {
        Same("mul.hi." + type, 2, &Lane.Map2<T, T, T, High<T, TWide>>);
        Same("mad.hi." + type, 3, &Lane.Map3<T, T, T, T, HighPlus<T, TWide>>);
        Add("mul.wide." + type, &Lane.Map2<T, T, TWide, Wide<T, TWide>>, To(wide), From(type), From(type));
        Add("mad.wide." + type, &Lane.Map3<T, T, TWide, TWide, WidePlus<T, TWide>>, To(wide), From(type), From(type), From(wide));
    }

    /// <summary>Bytes without a sign times bytes with one.</summary>
    private readonly struct FourProducts : IScalar3<uint, uint, int, int>
    {
        public static int Of(uint a, uint b, int c)
        {
            for (int shift = 0; shift < 32; shift += 8)
                c += (byte)(a >> shift) * (sbyte)(b >> shift);
            return c;
        }
    }

    private readonly struct Plus<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a + b;
    }

    private readonly struct Minus<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a - b;
    }

    private readonly struct Times<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a * b;
    }

    private readonly struct TimesPlus<T> : IVector3<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c) => (a * b) + c;
    }

    private readonly struct Opposite<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => -a;
    }

    private readonly struct MagnitudeVector<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => Vector256.ConditionalSelect(Vector256.LessThan(a, Vector256<T>.Zero), -a, a);
    }

    private readonly struct Smaller<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Min(a, b);
    }

    private readonly struct Larger<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Max(a, b);
    }

    private readonly struct Magnitude<T> : IScalar1<T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a) => T.IsNegative(a) ? -a : a;
    }

    private readonly struct SmallerScalar<T> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a, T b) => T.Min(a, b);
    }

    private readonly struct LargerScalar<T> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a, T b) => T.Max(a, b);
    }

    /// <summary>By zero, a device says nothing and gives all ones or something else: here it is an error.</summary>
    private readonly struct Quotient<T> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a, T b) => T.IsZero(b) ? throw new KernelFault(-1, "an integer is divided by zero") : T.IsNegative(b) && b == T.Zero - T.One ? T.Zero - a : a / b;
    }

    /// <inheritdoc cref="Quotient{T}"/>
    private readonly struct Remainder<T> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a, T b) => T.IsZero(b) ? throw new KernelFault(-1, "an integer is divided by zero") : T.IsNegative(b) && b == T.Zero - T.One ? T.Zero : a % b;
    }

    private readonly struct Narrow1<T, TOp> : IScalar1<uint, uint>
        where T : IBinaryInteger<T>
        where TOp : struct, IScalar1<T, T>
    {
        public static uint Of(uint a) => uint.CreateTruncating(TOp.Of(T.CreateTruncating(a)));
    }

    private readonly struct Narrow2<T, TOp> : IScalar2<uint, uint, uint>
        where T : IBinaryInteger<T>
        where TOp : struct, IScalar2<T, T, T>
    {
        public static uint Of(uint a, uint b) => uint.CreateTruncating(TOp.Of(T.CreateTruncating(a), T.CreateTruncating(b)));
    }

    private readonly struct WideNarrow<T> : IScalar2<uint, uint, uint>
        where T : IBinaryInteger<T>
    {
        public static uint Of(uint a, uint b) => uint.CreateTruncating(T.CreateTruncating(a)) * uint.CreateTruncating(T.CreateTruncating(b));
    }

    private readonly struct HighNarrow<T> : IScalar2<uint, uint, uint>
        where T : IBinaryInteger<T>
    {
        public static uint Of(uint a, uint b) => WideNarrow<T>.Of(a, b) >> 16;
    }

    private readonly struct Wide<T, TWide> : IScalar2<T, T, TWide>
        where T : IBinaryInteger<T>
        where TWide : IBinaryInteger<TWide>
    {
        public static TWide Of(T a, T b) => TWide.CreateTruncating(a) * TWide.CreateTruncating(b);
    }

    private readonly struct WidePlus<T, TWide> : IScalar3<T, T, TWide, TWide>
        where T : IBinaryInteger<T>
        where TWide : IBinaryInteger<TWide>
    {
        public static TWide Of(T a, T b, TWide c) => Wide<T, TWide>.Of(a, b) + c;
    }

    private readonly struct High<T, TWide> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
        where TWide : IBinaryInteger<TWide>
    {
        public static T Of(T a, T b) => T.CreateTruncating(Wide<T, TWide>.Of(a, b) >> 32);
    }

    private readonly struct HighPlus<T, TWide> : IScalar3<T, T, T, T>
        where T : IBinaryInteger<T>
        where TWide : IBinaryInteger<TWide>
    {
        public static T Of(T a, T b, T c) => High<T, TWide>.Of(a, b) + c;
    }

    private readonly struct HighProduct : IScalar2<long, long, long>, IScalar2<ulong, ulong, ulong>
    {
        public static long Of(long a, long b) => Math.BigMul(a, b, out _);

        public static ulong Of(ulong a, ulong b) => Math.BigMul(a, b, out _);
    }
}
