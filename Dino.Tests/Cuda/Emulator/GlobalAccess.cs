using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Checks the addresses of accesses to device memory. Each instruction remembers the allocation it was in last.</summary>
internal sealed unsafe class GlobalAccess(DeviceMemory memory)
{
    private (long Start, long End)[] _last = [];

    /// <summary>Forgets the launch before.</summary>
    public void Prepare(int instructions)
    {
        if (_last.Length < instructions)
            _last = new (long, long)[instructions];
        Array.Clear(_last, 0, instructions);
    }

    /// <summary>Host addresses of an access by the lanes of a warp.</summary>
    /// <param name="addresses">Device addresses on entry, host addresses on return.</param>
    /// <param name="bytes">Size of the access of each lane, a power of two that its address is a multiple of.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Translate(int instruction, long* addresses, uint mask, int bytes)
    {
        ref (long Start, long End) last = ref _last[instruction];
        if (mask == uint.MaxValue && last.Start != 0 && AreInside(addresses, last.Start, last.End - bytes, bytes - 1))
            return;
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long address = addresses[lane];
            if ((address & (bytes - 1)) != 0)
                throw new KernelFault(lane, $"address 0x{address:x} of {bytes} bytes is not aligned to them");
            if (address < last.Start || address > last.End - bytes)
            {
                last = memory.Find(address);
                if (last.Start == 0 || address > last.End - bytes)
                    throw new KernelFault(lane, $"{bytes} bytes at 0x{address:x} are not allocated: they are {memory.Describe(address)}");
            }

            addresses[lane] = address - DeviceMemory.Distance;
        }
    }

    /// <summary>The host address of the first bytes of an access of one lane, which is aligned as all of it would be.</summary>
    public void TranslatePart(int lane, long* addresses, int bytes, int part)
    {
        long address = addresses[lane];
        if ((address & (bytes - 1)) != 0)
            throw new KernelFault(lane, $"address 0x{address:x} of {bytes} bytes is not aligned to them");
        if (memory.Host(address, part) == null)
            throw new KernelFault(lane, $"{part} bytes at 0x{address:x} are not allocated: they are {memory.Describe(address)}");
        addresses[lane] = address - DeviceMemory.Distance;
    }

    /// <summary>Turns addresses of all lanes into pointers if they are aligned and within bounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreInside(long* addresses, long first, long last, long unaligned)
    {
        Vector256<long> lowest = Vector256.Load(addresses), highest = lowest, bits = lowest;
        for (int lane = Vector256<long>.Count; lane < Warp.Lanes; lane += Vector256<long>.Count)
        {
            Vector256<long> next = Vector256.Load(addresses + lane);
            lowest = Vector256.Min(lowest, next);
            highest = Vector256.Max(highest, next);
            bits |= next;
        }

        if (!Vector256.GreaterThanOrEqualAll(lowest, Vector256.Create(first)) || !Vector256.LessThanOrEqualAll(highest, Vector256.Create(last))
            || (bits & Vector256.Create(unaligned)) != Vector256<long>.Zero)
            return false;
        Vector256<long> distance = Vector256.Create(DeviceMemory.Distance);
        for (int lane = 0; lane < Warp.Lanes; lane += Vector256<long>.Count)
            (Vector256.Load(addresses + lane) - distance).Store(addresses + lane);
        return true;
    }
}
