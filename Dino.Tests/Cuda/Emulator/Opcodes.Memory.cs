using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Loads, stores and asynchronous copies.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddMemory()
    {
        AddSpace<InGlobal>("global", PtxSpace.Global, ["", ".volatile"]);
        AddSpace<InShared>("shared", PtxSpace.Shared, ["", ".volatile"]);
        AddSpace<InGeneric>("", PtxSpace.Generic, ["", ".volatile"]);
        AddLoads<InGlobal>("ld.global.nc", PtxSpace.Global);
        AddLoads<InParameters>("ld.param", PtxSpace.Parameter);
        AddLoads<InGlobal>("ld.const", PtxSpace.Constant);
        foreach (string cache in (string[])["ca", "cg", "cs", "cv", "lu"])
            AddLoads<InGlobal>("ld.global." + cache, PtxSpace.Global);
        foreach (string cache in (string[])["wb", "cg", "cs", "wt"])
            AddStores<InGlobal>("st.global." + cache, PtxSpace.Global);
        foreach (string hint in (string[])["L1::no_allocate", "L1::evict_first", "L1::evict_last"])
        {
            // Only loads without coherence take these in this version.
            AddLoads<InGlobal>("ld.global.nc." + hint, PtxSpace.Global);
        }

        foreach (string scope in (string[])["cta", "gpu"])
        {
            AddLoads<InGlobal>($"ld.relaxed.{scope}.global", PtxSpace.Global);
            AddLoads<InGlobal>($"ld.acquire.{scope}.global", PtxSpace.Global);
            AddStores<InGlobal>($"st.relaxed.{scope}.global", PtxSpace.Global);
            AddStores<InGlobal>($"st.release.{scope}.global", PtxSpace.Global);
        }
    }

    private static void AddSpace<TSpace>(string name, PtxSpace space, string[] kinds)
        where TSpace : struct, ISpace
    {
        foreach (string kind in kinds)
        {
            AddLoads<TSpace>($"ld{kind}{(name.Length > 0 ? "." : "")}{name}", space);
            AddStores<TSpace>($"st{kind}{(name.Length > 0 ? "." : "")}{name}", space);
        }
    }

    private static void AddLoads<TSpace>(string name, PtxSpace space)
        where TSpace : struct, ISpace
    {
        Loads(name, space, "b8", &Load<TSpace, byte, uint>);
        Loads(name, space, "u8", &Load<TSpace, byte, uint>, &Load<TSpace, byte, ulong>);
        Loads(name, space, "s8", &Load<TSpace, sbyte, uint>, &Load<TSpace, sbyte, ulong>);
        Loads(name, space, "b16", &Load<TSpace, ushort, uint>);
        Loads(name, space, "u16", &Load<TSpace, ushort, uint>, &Load<TSpace, ushort, ulong>);
        Loads(name, space, "s16", &Load<TSpace, short, uint>, &Load<TSpace, short, ulong>);
        Loads(name, space, "b32", &Load<TSpace, uint, uint>);
        Loads(name, space, "u32", &Load<TSpace, uint, uint>, &Load<TSpace, uint, ulong>);
        Loads(name, space, "s32", &Load<TSpace, int, uint>, &Load<TSpace, int, ulong>);
        Loads(name, space, "f32", &Load<TSpace, uint, uint>);
        Loads(name, space, "b64", &Load<TSpace, ulong, ulong>);
        Loads(name, space, "u64", &Load<TSpace, ulong, ulong>);
        Loads(name, space, "s64", &Load<TSpace, ulong, ulong>);
        Loads(name, space, "f64", &Load<TSpace, ulong, ulong>);
    }

    /// <summary>A load of one element or of vectors up to 16 bytes, into registers of its size or wider ones.</summary>
    private static void Loads(string name, PtxSpace space, string type, delegate*<Warp, Instruction, void> run, delegate*<Warp, Instruction, void> wide = null)
    {
        OperandRule from = new(OperandRole.Address, default, Space: space);
        for (int count = 1; count <= 4 && count * Type(type).Bits <= 128; count *= 2)
        {
            string full = count == 1 ? $"{name}.{type}" : $"{name}.v{count}.{type}";
            Add(full, run, new(OperandRole.DestinationVector, Type(type), count, IsWide: true), from);
            if (wide != null)
                Add(full, wide, new(OperandRole.DestinationVector, Type("u64"), count), from);
        }
    }

    private static void AddStores<TSpace>(string name, PtxSpace space)
        where TSpace : struct, ISpace
    {
        Stores(name, space, ["b8", "u8", "s8"], &Store<TSpace, byte, uint>, &Store<TSpace, byte, ulong>);
        Stores(name, space, ["b16", "u16", "s16"], &Store<TSpace, ushort, uint>, &Store<TSpace, ushort, ulong>);
        Stores(name, space, ["b32", "u32", "s32"], &Store<TSpace, uint, uint>, &Store<TSpace, uint, ulong>);
        Stores(name, space, ["f32"], &Store<TSpace, uint, uint>);
        Stores(name, space, ["b64", "u64", "s64", "f64"], &Store<TSpace, ulong, ulong>);
    }

    private static void Stores(string name, PtxSpace space, string[] types, delegate*<Warp, Instruction, void> run, delegate*<Warp, Instruction, void> wide = null)
    {
        OperandRule to = new(OperandRole.Address, default, Space: space);
        foreach (string type in types)
        {
            for (int count = 1; count <= 4 && count * Type(type).Bits <= 128; count *= 2)
            {
                string full = count == 1 ? $"{name}.{type}" : $"{name}.v{count}.{type}";
                Add(full, run, to, new(OperandRole.SourceVector, Type(type), count, IsWide: true));
                if (wide != null)
                    Add(full, wide, to, new(OperandRole.SourceVector, Type("u64"), count));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Load<TSpace, T, TRegister>(Warp warp, Instruction i)
        where TSpace : struct, ISpace
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        T** pointers = (T**)warp.Pointers;
        int count = i.Vector.Length;
        TSpace.Translate(warp, i, count * sizeof(T), AccessKind.Read);
        for (int n = 0; n < count; n++)
        {
            TRegister* d = (TRegister*)(warp.Registers + i.Vector[n]);
            if (warp.Mask == uint.MaxValue)
            {
                for (int lane = 0; lane < Warp.Lanes; lane++)
                    d[lane] = TRegister.CreateTruncating(pointers[lane][n]);
                continue;
            }

            for (uint left = warp.Mask; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                d[lane] = TRegister.CreateTruncating(pointers[lane][n]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store<TSpace, T, TRegister>(Warp warp, Instruction i)
        where TSpace : struct, ISpace
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        T** pointers = (T**)warp.Pointers;
        int count = i.Vector.Length;
        TSpace.Translate(warp, i, count * sizeof(T), AccessKind.Write);
        for (int n = 0; n < count; n++)
        {
            TRegister* a = (TRegister*)(warp.Registers + i.Vector[n]);
            if (warp.Mask == uint.MaxValue)
            {
                for (int lane = 0; lane < Warp.Lanes; lane++)
                    pointers[lane][n] = T.CreateTruncating(a[lane]);
                continue;
            }

            for (uint left = warp.Mask; left != 0; left &= left - 1)
            {
                int lane = BitOperations.TrailingZeroCount(left);
                pointers[lane][n] = T.CreateTruncating(a[lane]);
            }
        }
    }
}
