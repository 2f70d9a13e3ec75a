using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Atomic changes of integers. None of floats: their order is not fixed, and results would not repeat.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddAtomics()
    {
        AddAtomics<InGlobal>(".global", PtxSpace.Global);
        AddAtomics<InShared>(".shared", PtxSpace.Shared);
        AddAtomics<InGeneric>("", PtxSpace.Generic);
    }

    private static void AddAtomics<TSpace>(string space, PtxSpace kind)
        where TSpace : struct, ISpace
    {
        foreach (string order in (string[])["", ".relaxed", ".acquire", ".release", ".acq_rel"])
        {
            foreach (string scope in (string[])["", ".cta", ".gpu"])
            {
                // An order needs a scope.
                if (order.Length > 0 && scope.Length == 0)
                    continue;
                string prefix = order + scope + space;
                Atomic<TSpace, uint, SumOf<uint>>(prefix, "add", kind, "u32", "s32");
                Atomic<TSpace, ulong, SumOf<ulong>>(prefix, "add", kind, "u64");
                Atomic<TSpace, uint, LargerScalar<uint>>(prefix, "max", kind, "u32");
                Atomic<TSpace, int, LargerScalar<int>>(prefix, "max", kind, "s32");
                Atomic<TSpace, ulong, LargerScalar<ulong>>(prefix, "max", kind, "u64");
                Atomic<TSpace, long, LargerScalar<long>>(prefix, "max", kind, "s64");
                Atomic<TSpace, uint, SmallerScalar<uint>>(prefix, "min", kind, "u32");
                Atomic<TSpace, int, SmallerScalar<int>>(prefix, "min", kind, "s32");
                Atomic<TSpace, ulong, SmallerScalar<ulong>>(prefix, "min", kind, "u64");
                Atomic<TSpace, long, SmallerScalar<long>>(prefix, "min", kind, "s64");
                Atomic<TSpace, uint, AndBoth>(prefix, "and", kind, "b32");
                Atomic<TSpace, uint, OrBoth>(prefix, "or", kind, "b32");
                Atomic<TSpace, uint, XorBoth>(prefix, "xor", kind, "b32");
                Atomic<TSpace, uint, AtomicIncrement>(prefix, "inc", kind, "u32");
                Atomic<TSpace, uint, AtomicDecrement>(prefix, "dec", kind, "u32");
                OperandRule address = new(OperandRole.Address, default, Space: kind);
                Add($"atom{prefix}.exch.b32", &Change<TSpace, uint, Second<uint>>, To("b32"), address, From("b32"));
                Add($"atom{prefix}.exch.b64", &Change<TSpace, ulong, Second<ulong>>, To("b64"), address, From("b64"));
                Add($"atom{prefix}.cas.b32", &Swap<TSpace, uint>, To("b32"), address, From("b32"), From("b32"));
                Add($"atom{prefix}.cas.b64", &Swap<TSpace, ulong>, To("b64"), address, From("b64"), From("b64"));
            }
        }
    }

    /// <summary>Adds the form that returns what was there before, and the one that does not.</summary>
    private static void Atomic<TSpace, T, TOp>(string prefix, string operation, PtxSpace space, params string[] types)
        where TSpace : struct, ISpace
        where T : unmanaged
        where TOp : struct, IScalar2<T, T, T>
    {
        OperandRule address = new(OperandRole.Address, default, Space: space);
        foreach (string type in types)
        {
            Add($"atom{prefix}.{operation}.{type}", &Change<TSpace, T, TOp>, To(type), address, From(type));
            Add($"red{prefix}.{operation}.{type}", &Reduce<TSpace, T, TOp>, address, From(type));
        }
    }

    private static void Change<TSpace, T, TOp>(Warp warp, Instruction i)
        where TSpace : struct, ISpace
        where T : unmanaged
        where TOp : struct, IScalar2<T, T, T>
    {
        TSpace.Translate(warp, i, sizeof(T), AccessKind.Change);
        T** pointers = (T**)warp.Pointers;
        T* d = (T*)(warp.Registers + i.D), a = (T*)(warp.Registers + i.A);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            T old = *pointers[lane];
            *pointers[lane] = TOp.Of(old, a[lane]);
            d[lane] = old;
        }
    }

    private static void Reduce<TSpace, T, TOp>(Warp warp, Instruction i)
        where TSpace : struct, ISpace
        where T : unmanaged
        where TOp : struct, IScalar2<T, T, T>
    {
        TSpace.Translate(warp, i, sizeof(T), AccessKind.Change);
        T** pointers = (T**)warp.Pointers;
        T* a = (T*)(warp.Registers + i.A);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            *pointers[lane] = TOp.Of(*pointers[lane], a[lane]);
        }
    }

    private static void Swap<TSpace, T>(Warp warp, Instruction i)
        where TSpace : struct, ISpace
        where T : unmanaged, IBinaryInteger<T>
    {
        TSpace.Translate(warp, i, sizeof(T), AccessKind.Change);
        T** pointers = (T**)warp.Pointers;
        T* d = (T*)(warp.Registers + i.D), a = (T*)(warp.Registers + i.A), b = (T*)(warp.Registers + i.B);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            T old = *pointers[lane];
            if (old == a[lane])
                *pointers[lane] = b[lane];
            d[lane] = old;
        }
    }

    private readonly struct SumOf<T> : IScalar2<T, T, T>
        where T : IBinaryInteger<T>
    {
        public static T Of(T a, T b) => a + b;
    }

    /// <summary>Counts up to a bound, then starts at 0.</summary>
    private readonly struct AtomicIncrement : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a >= b ? 0 : a + 1;
    }

    private readonly struct AtomicDecrement : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a == 0 || a > b ? b : a - 1;
    }

    private readonly struct Second<T> : IScalar2<T, T, T>
    {
        public static T Of(T a, T b) => b;
    }
}
