using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>A kind of memory: turns the addresses of an instruction into pointers after checking them.</summary>
internal unsafe interface ISpace
{
    /// <summary>Fills <see cref="Warp.Pointers"/> for the lanes that execute.</summary>
    static abstract void Translate(Warp warp, Instruction instruction, int bytes, AccessKind kind);
}

/// <summary>The addresses of an instruction.</summary>
internal static unsafe class Addresses
{
    /// <summary>Writes the addresses of all lanes, also of those that do not execute, where <see cref="Warp.Pointers"/> will be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compute(Warp warp, int place, bool isWide, long offset)
    {
        long* output = (long*)warp.Pointers;
        if (isWide)
        {
            long* registers = (long*)(warp.Registers + place);
            Vector256<long> added = Vector256.Create(offset);
            for (int lane = 0; lane < Warp.Lanes; lane += Vector256<long>.Count)
                (Vector256.Load(registers + lane) + added).Store(output + lane);
        }
        else
        {
            uint* registers = (uint*)(warp.Registers + place);
            for (int lane = 0; lane < Warp.Lanes; lane++)
                output[lane] = (uint)(registers[lane] + (int)offset);
        }
    }

    /// <summary>Turns addresses in shared memory into pointers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TranslateShared(Warp warp, uint mask, int bytes, AccessKind kind)
    {
        long* addresses = (long*)warp.Pointers;
        SharedMemory shared = warp.Block.Shared;
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            addresses[lane] = (long)(kind switch
            {
                AccessKind.Read => shared.Read(warp.Index, lane, addresses[lane], bytes),
                AccessKind.Write => shared.Write(warp.Index, lane, addresses[lane], bytes),
                _ => shared.Change(warp.Index, lane, addresses[lane], bytes),
            });
        }
    }

    /// <summary>Turns addresses that may mean either memory into pointers.</summary>
    public static void TranslateGeneric(Warp warp, Instruction instruction, int bytes, AccessKind kind)
    {
        Compute(warp, instruction.Address, instruction.IsAddressWide, instruction.Offset);
        long* addresses = (long*)warp.Pointers;
        uint shared = 0;
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (addresses[lane] < SharedMemory.Window)
                continue;
            addresses[lane] -= SharedMemory.Window;
            shared |= 1u << lane;
        }

        TranslateShared(warp, shared, bytes, kind);
        warp.Block.Global.Translate(instruction.Index, warp, warp.Mask & ~shared, bytes, kind);
    }
}

internal readonly unsafe struct InGlobal : ISpace
{
    public static void Translate(Warp warp, Instruction instruction, int bytes, AccessKind kind)
    {
        Addresses.Compute(warp, instruction.Address, instruction.IsAddressWide, instruction.Offset);
        warp.Block.Global.Translate(instruction.Index, warp, warp.Mask, bytes, kind);
    }
}

internal readonly unsafe struct InShared : ISpace
{
    public static void Translate(Warp warp, Instruction instruction, int bytes, AccessKind kind)
    {
        Addresses.Compute(warp, instruction.Address, instruction.IsAddressWide, instruction.Offset);
        Addresses.TranslateShared(warp, warp.Mask, bytes, kind);
    }
}

/// <summary>Addresses that may mean either memory.</summary>
internal readonly unsafe struct InGeneric : ISpace
{
    public static void Translate(Warp warp, Instruction instruction, int bytes, AccessKind kind) =>
        Addresses.TranslateGeneric(warp, instruction, bytes, kind);
}

internal readonly unsafe struct InParameters : ISpace
{
    public static void Translate(Warp warp, Instruction instruction, int bytes, AccessKind kind)
    {
        Addresses.Compute(warp, instruction.Address, instruction.IsAddressWide, instruction.Offset);
        long* addresses = (long*)warp.Pointers;
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long address = addresses[lane];
            if ((address & (bytes - 1)) != 0 || address < 0 || address > warp.Block.Program.ParameterBytes - bytes)
                throw new KernelFault(lane, $"parameter byte {address} is not aligned to {bytes}, or not below {warp.Block.Program.ParameterBytes}");
            addresses[lane] = (long)(warp.Block.Parameters + address);
        }
    }
}
