using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Comparisons, and choosing by their results.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddComparisons()
    {
        foreach (string sign in (string[])["b", "s", "u"])
        {
            AddEqual<uint>(sign + "32");
            AddEqual<ulong>(sign + "64");
        }

        AddEqual16<UnsignedNarrow>("b16");
        AddEqual16<UnsignedNarrow>("u16");
        AddEqual16<SignedNarrow>("s16");
        AddOrder<int>("s32");
        AddOrder<long>("s64");
        AddOrder<uint>("u32");
        AddOrder<ulong>("u64");
        AddFloats<float>("f32");
        AddFloats<double>("f64");
        AddFlushed("f32");
        AddHalves<NotFlushed>("");
        AddHalves<IsFlushed>(".ftz");
        foreach (string type in (string[])["b16", "u16", "s16", "b32", "u32", "s32", "f32"])
            Add("selp." + type, &Lane.Choose<uint>, To(type), From(type), From(type), Predicate());
        foreach (string type in (string[])["b64", "u64", "s64", "f64"])
            Add("selp." + type, &Lane.Choose<ulong>, To(type), From(type), From(type), Predicate());
    }

    private static void AddFlushed(string type)
    {
        AddComparison<float, FlushedTest<Equal<float>>>("eq", ".ftz", type);
        AddComparison<float, FlushedTest<Unequal<float>>>("ne", ".ftz", type);
        AddComparison<float, FlushedTest<Less<float>>>("lt", ".ftz", type);
        AddComparison<float, FlushedTest<LessOrEqual<float>>>("le", ".ftz", type);
        AddComparison<float, FlushedTest<Greater<float>>>("gt", ".ftz", type);
        AddComparison<float, FlushedTest<GreaterOrEqual<float>>>("ge", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, Unequal<float>>>>("equ", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, Equal<float>>>>("neu", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, GreaterOrEqual<float>>>>("ltu", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, Greater<float>>>>("leu", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, LessOrEqual<float>>>>("gtu", ".ftz", type);
        AddComparison<float, FlushedTest<Not<float, Less<float>>>>("geu", ".ftz", type);
        AddComparison<float, AreNumbers<float>>("num", ".ftz", type);
        AddComparison<float, Not<float, AreNumbers<float>>>("nan", ".ftz", type);
    }

    private static void AddHalves<TFlushing>(string flush)
        where TFlushing : struct, IFlushing
    {
        AddComparison<uint, HalfTest<Equal<float>, TFlushing>>("eq", flush, "f16");
        AddComparison<uint, HalfTest<Unequal<float>, TFlushing>>("ne", flush, "f16");
        AddComparison<uint, HalfTest<Less<float>, TFlushing>>("lt", flush, "f16");
        AddComparison<uint, HalfTest<LessOrEqual<float>, TFlushing>>("le", flush, "f16");
        AddComparison<uint, HalfTest<Greater<float>, TFlushing>>("gt", flush, "f16");
        AddComparison<uint, HalfTest<GreaterOrEqual<float>, TFlushing>>("ge", flush, "f16");
        AddComparison<uint, HalfTest<AreNumbers<float>, TFlushing>>("num", flush, "f16");
        AddComparison<uint, HalfTest<Not<float, AreNumbers<float>>, TFlushing>>("nan", flush, "f16");
    }

    private static void AddEqual<T>(string type)
        where T : unmanaged
    {
        AddComparison<T, Equal<T>>("eq", "", type);
        AddComparison<T, Unequal<T>>("ne", "", type);
    }

    private static void AddOrder<T>(string type)
        where T : unmanaged
    {
        AddComparison<T, Less<T>>("lt", "", type);
        AddComparison<T, LessOrEqual<T>>("le", "", type);
        AddComparison<T, Greater<T>>("gt", "", type);
        AddComparison<T, GreaterOrEqual<T>>("ge", "", type);
        if (!type.StartsWith('u'))
            return;
        AddComparison<T, Less<T>>("lo", "", type);
        AddComparison<T, LessOrEqual<T>>("ls", "", type);
        AddComparison<T, Greater<T>>("hi", "", type);
        AddComparison<T, GreaterOrEqual<T>>("hs", "", type);
    }

    /// <summary>All comparisons of floats: also those that hold where an operand is no number, and the tests for it.</summary>
    private static void AddFloats<T>(string type)
        where T : unmanaged
    {
        AddEqual<T>(type);
        AddOrder<T>(type);
        AddComparison<T, Not<T, Unequal<T>>>("equ", "", type);
        AddComparison<T, Not<T, Equal<T>>>("neu", "", type);
        AddComparison<T, Not<T, GreaterOrEqual<T>>>("ltu", "", type);
        AddComparison<T, Not<T, Greater<T>>>("leu", "", type);
        AddComparison<T, Not<T, LessOrEqual<T>>>("gtu", "", type);
        AddComparison<T, Not<T, Less<T>>>("geu", "", type);
        AddComparison<T, AreNumbers<T>>("num", "", type);
        AddComparison<T, Not<T, AreNumbers<T>>>("nan", "", type);
    }

    private static void AddEqual16<TNarrow>(string type)
        where TNarrow : struct, IVector1<int>
    {
        AddComparison<int, NarrowTest<TNarrow, Equal<int>>>("eq", "", type);
        AddComparison<int, NarrowTest<TNarrow, Unequal<int>>>("ne", "", type);
        if (type == "b16")
            return;
        AddComparison<int, NarrowTest<TNarrow, Less<int>>>("lt", "", type);
        AddComparison<int, NarrowTest<TNarrow, LessOrEqual<int>>>("le", "", type);
        AddComparison<int, NarrowTest<TNarrow, Greater<int>>>("gt", "", type);
        AddComparison<int, NarrowTest<TNarrow, GreaterOrEqual<int>>>("ge", "", type);
    }

    private static void AddComparison<T, TOp>(string comparison, string flush, string type)
        where T : unmanaged
        where TOp : struct, IVector2<T>
    {
        OperandRule result = new(OperandRole.DestinationPredicates, PtxType.Predicate);
        Add($"setp.{comparison}{flush}.{type}", &Lane.Compare<T, TOp, Alone>, result, From(type), From(type));
        Add($"setp.{comparison}.and{flush}.{type}", &Lane.Compare<T, TOp, AndBoth>, result, From(type), From(type), Predicate());
        Add($"setp.{comparison}.or{flush}.{type}", &Lane.Compare<T, TOp, OrBoth>, result, From(type), From(type), Predicate());
        Add($"setp.{comparison}.xor{flush}.{type}", &Lane.Compare<T, TOp, XorBoth>, result, From(type), From(type), Predicate());
    }

    private readonly struct Alone : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a;
    }

    private readonly struct Equal<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, b);
    }

    /// <summary>Of numbers: what is none is neither equal nor unequal.</summary>
    private readonly struct Unequal<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~Vector256.Equals(a, b) & AreNumbers<T>.Of(a, b);
    }

    private readonly struct Less<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b);
    }

    private readonly struct LessOrEqual<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.LessThanOrEqual(a, b);
    }

    private readonly struct Greater<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThan(a, b);
    }

    private readonly struct GreaterOrEqual<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.GreaterThanOrEqual(a, b);
    }

    private readonly struct AreNumbers<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, a) & Vector256.Equals(b, b);
    }

    private readonly struct Not<T, TOp> : IVector2<T>
        where TOp : struct, IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => ~TOp.Of(a, b);
    }

    private readonly struct FlushedTest<TOp> : IVector2<float>
        where TOp : struct, IVector2<float>
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => TOp.Of(Flush(a), Flush(b));
    }

    private readonly struct HalfTest<TOp, TFlushing> : IVector2<uint>
        where TOp : struct, IVector2<float>
        where TFlushing : struct, IFlushing
    {
        public static Vector256<uint> Of(Vector256<uint> a, Vector256<uint> b) => TOp.Of(Widen(a), Widen(b)).AsUInt32();

        private static Vector256<float> Widen(Vector256<uint> halves)
        {
            float* values = stackalloc float[Vector256<float>.Count];
            for (int n = 0; n < Vector256<float>.Count; n++)
            {
                Half value = BitConverter.UInt16BitsToHalf((ushort)halves[n]);
                values[n] = TFlushing.Flushes && Half.IsSubnormal(value) ? 0 : (float)value;
            }

            return Vector256.Load(values);
        }
    }

    private readonly struct UnsignedNarrow : IVector1<int>
    {
        public static Vector256<int> Of(Vector256<int> a) => a & Vector256.Create(0xFFFF);
    }

    private readonly struct SignedNarrow : IVector1<int>
    {
        public static Vector256<int> Of(Vector256<int> a) => (a << 16) >> 16;
    }

    private readonly struct NarrowTest<TNarrow, TOp> : IVector2<int>
        where TNarrow : struct, IVector1<int>
        where TOp : struct, IVector2<int>
    {
        public static Vector256<int> Of(Vector256<int> a, Vector256<int> b) => TOp.Of(TNarrow.Of(a), TNarrow.Of(b));
    }
}
