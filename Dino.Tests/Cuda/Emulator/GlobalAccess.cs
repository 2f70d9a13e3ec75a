using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>What an instruction does with memory.</summary>
internal enum AccessKind
{
    Read,
    Write,

    /// <summary>Reads and writes in one step, which no other access can come between.</summary>
    Change,
}

/// <summary>Checks the accesses of a block to device memory. Each instruction remembers the allocation it was in last.</summary>
internal sealed unsafe class GlobalAccess(DeviceMemory memory)
{
    private DeviceAllocation?[] _last = [];
    private RaceClock _clock;

    /// <summary>Forgets the launch before.</summary>
    public void BeginLaunch(int instructions)
    {
        if (_last.Length < instructions)
            _last = new DeviceAllocation[instructions];
        Array.Clear(_last, 0, instructions);
        if (_clock.IsWornOut)
        {
            memory.ForgetAccesses();
            _clock.Reset();
        }

        _clock.BeginLaunch();
    }

    public void BeginBlock() => _clock.BeginBlock();

    public void PassBarrier() => _clock.PassBarrier();

    /// <summary>Host addresses of an access by the lanes of a warp.</summary>
    /// <param name="addresses">Device addresses on entry, host addresses on return.</param>
    /// <param name="bytes">Size of the access of each lane, a power of two that its address is a multiple of.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Translate(int instruction, Warp warp, uint mask, int bytes, AccessKind kind)
    {
        // Single bytes share their marks with neighbours, which others may use.
        if (bytes < RaceClock.Bytes)
            kind = AccessKind.Change;
        long* addresses = (long*)warp.Pointers;
        DeviceAllocation? last = _last[instruction];
        bool areInside = mask == uint.MaxValue && last is not null && AreInside(addresses, last.Start, last.End - bytes, bytes - 1);
        if (areInside && AreNeighbours(addresses, bytes))
        {
            Mark(last!, 0, addresses[0], Warp.Lanes * bytes, warp.Index, kind);
            ToHost(addresses);
            return;
        }

        long marked = 0;
        for (uint left = mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long address = addresses[lane];
            if (!areInside)
            {
                if ((address & (bytes - 1)) != 0)
                    throw new KernelFault(lane, $"address 0x{address:x} of {bytes} bytes is not aligned to them");
                if (last is null || address < last.Start || address > last.End - bytes)
                    _last[instruction] = last = Find(lane, address, bytes);
            }

            if (address != marked)
                Mark(last!, lane, address, bytes, warp.Index, kind);
            marked = address;
            addresses[lane] = address - DeviceAllocation.Distance;
        }
    }

    /// <summary>The host address of the first bytes of an access of one lane, which is aligned as all of it would be.</summary>
    public void TranslatePart(Warp warp, int lane, int bytes, int part)
    {
        long address = ((long*)warp.Pointers)[lane];
        if ((address & (bytes - 1)) != 0)
            throw new KernelFault(lane, $"address 0x{address:x} of {bytes} bytes is not aligned to them");
        Mark(Find(lane, address, part), lane, address, part, warp.Index, AccessKind.Read);
        ((long*)warp.Pointers)[lane] = address - DeviceAllocation.Distance;
    }

    private void Mark(DeviceAllocation allocation, int lane, long address, int bytes, int warp, AccessKind kind)
    {
        // What changes in one step is no race with others of its kind, and is not marked.
        if (kind == AccessKind.Change)
            return;
        long first = (address - allocation.Start) / RaceClock.Bytes;
        int count = bytes / RaceClock.Bytes;
        string? problem = kind == AccessKind.Read
            ? _clock.Read(allocation.Writers + first, allocation.Readers + first, count, warp) : _clock.Write(allocation.Writers + first, allocation.Readers + first, count, warp);
        if (problem is not null)
            throw new KernelFault(lane, $"race: {problem} at byte {address - allocation.Start} of an allocation of {allocation.Bytes}");
    }

    private DeviceAllocation Find(int lane, long address, int bytes) =>
        memory.Find(address) is { } found && address <= found.End - bytes ? found
            : throw new KernelFault(lane, $"{bytes} bytes at 0x{address:x} are not allocated: they are {memory.Describe(address)}");

    /// <summary>Whether the addresses of all lanes are aligned and within bounds.</summary>
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

        return Vector256.GreaterThanOrEqualAll(lowest, Vector256.Create(first)) && Vector256.LessThanOrEqualAll(highest, Vector256.Create(last))
            && (bits & Vector256.Create(unaligned)) == Vector256<long>.Zero;
    }

    /// <summary>Whether each lane accesses what follows on that of the lane before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreNeighbours(long* addresses, int bytes)
    {
        Vector256<long> expected = Vector256.Create(addresses[0]) + (Vector256.Create(0L, 1, 2, 3) * bytes), step = Vector256.Create(4L * bytes);
        for (int lane = 0; lane < Warp.Lanes; lane += Vector256<long>.Count)
        {
            if (Vector256.Load(addresses + lane) != expected)
                return false;
            expected += step;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ToHost(long* addresses)
    {
        Vector256<long> distance = Vector256.Create(DeviceAllocation.Distance);
        for (int lane = 0; lane < Warp.Lanes; lane += Vector256<long>.Count)
            (Vector256.Load(addresses + lane) - distance).Store(addresses + lane);
    }
}
