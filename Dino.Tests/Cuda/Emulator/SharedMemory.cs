using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// The shared memory of a block. For every byte it is known which warp wrote and which read it since the last barrier: two warps, one of which writes, are a
/// race. Lanes of a warp are taken to run in step.
/// </summary>
internal sealed unsafe class SharedMemory : IDisposable
{
    /// <summary>The most that a block can have.</summary>
    public const int Capacity = 163 << 10;

    /// <summary>Generic addresses from here on are shared ones.</summary>
    public const long Window = 1L << 54;

    /// <summary>Mark of bytes that several warps have read.</summary>
    private const byte Many = 0xFF;

    /// <summary>Mark of bytes that atomic instructions have changed.</summary>
    private const byte Atomically = 0xFE;

    private readonly byte* _data = Allocate(), _writers = Allocate(), _readers = Allocate(), _pending = Allocate();
    private int _low, _high;
    private bool _hasCopies;

    /// <summary>Bytes that the block has.</summary>
    public int Bytes { get; private set; }

    public void Prepare(int staticBytes, int dynamicBytes, bool hasCopies)
    {
        Bytes = staticBytes + dynamicBytes;
        _hasCopies = hasCopies;
        (_low, _high) = (0, Capacity);
        PassBarrier();
    }

    /// <summary>Makes what no thread has written conspicuous.</summary>
    public void Poison()
    {
        NativeMemory.Fill(_data, (nuint)Bytes, DeviceAllocation.Poison);
        if (_hasCopies)
            NativeMemory.Clear(_pending, (nuint)Bytes);
        PassBarrier();
    }

    /// <summary>Whatever was read and written before is now safe.</summary>
    public void PassBarrier()
    {
        if (_high > _low)
        {
            NativeMemory.Clear(_writers + _low, (nuint)(_high - _low));
            NativeMemory.Clear(_readers + _low, (nuint)(_high - _low));
        }

        (_low, _high) = (Capacity, 0);
    }

    /// <summary>Nothing to free: the next block takes the memory over.</summary>
    public void Finish() => PassBarrier();

    /// <summary>Where bytes are that a warp reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public byte* Read(int warp, int lane, long address, int bytes)
    {
        Check(lane, address, bytes);
        uint mine = (uint)warp + 1;
        if (!_hasCopies && bytes % 4 == 0 && IsQuickRead((uint*)(_writers + address), (uint*)(_readers + address), mine * 0x01010101, bytes / 4))
            return _data + address;
        for (long at = address; at < address + bytes; at++)
        {
            uint writer = _writers[at], reader = _readers[at];
            if (writer != 0 && writer != mine)
                throw Race(lane, at, $"reads what {Name(writer)} wrote");
            if (_hasCopies && _pending[at] != 0)
                throw new KernelFault(lane, $"byte {at} of shared memory is read while a copy into it is under way: it was not waited for");
            _readers[at] = reader == 0 || reader == mine ? (byte)mine : Many;
        }

        return _data + address;
    }

    /// <summary>Where bytes are that a warp writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public byte* Write(int warp, int lane, long address, int bytes)
    {
        Check(lane, address, bytes);
        uint mine = (uint)warp + 1;
        if (!_hasCopies && bytes % 4 == 0 && IsQuickWrite((uint*)(_writers + address), (uint*)(_readers + address), mine * 0x01010101, bytes / 4))
            return _data + address;
        for (long at = address; at < address + bytes; at++)
        {
            uint writer = _writers[at], reader = _readers[at];
            if (writer != 0 && writer != mine)
                throw Race(lane, at, $"writes what {Name(writer)} wrote");
            if (reader != 0 && reader != mine)
                throw Race(lane, at, $"writes what {Name(reader)} read");
            if (_hasCopies && _pending[at] != 0)
                throw new KernelFault(lane, $"byte {at} of shared memory is written while a copy into it is under way: it was not waited for");
            _writers[at] = (byte)mine;
        }

        return _data + address;
    }

    /// <summary>Where bytes are that an atomic instruction changes: no race with others of their kind.</summary>
    public byte* Change(int warp, int lane, long address, int bytes)
    {
        Check(lane, address, bytes);
        uint mine = (uint)warp + 1;
        for (long at = address; at < address + bytes; at++)
        {
            uint writer = _writers[at], reader = _readers[at];
            if (writer != 0 && writer != mine && writer != Atomically)
                throw Race(lane, at, $"changes what {Name(writer)} wrote");
            if (reader != 0 && reader != mine)
                throw Race(lane, at, $"changes what {Name(reader)} read");
            _writers[at] = Atomically;
        }

        return _data + address;
    }

    /// <summary>Marks bytes as the target of a copy that is not done, or done.</summary>
    public void MarkCopy(long address, int bytes, bool isUnderWay)
    {
        if (isUnderWay)
            NativeMemory.Fill(_data + address, (nuint)bytes, DeviceAllocation.Poison);
        NativeMemory.Fill(_pending + address, (nuint)bytes, (byte)(isUnderWay ? 1 : 0));
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        NativeMemory.AlignedFree(_writers);
        NativeMemory.AlignedFree(_readers);
        NativeMemory.AlignedFree(_pending);
    }

    private static byte* Allocate() => (byte*)NativeMemory.AlignedAlloc(Capacity + 64, 64);

    /// <summary>Marks words as read that nobody, or the same warp, has touched; false if it is not as simple as that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsQuickRead(uint* writers, uint* readers, uint mine, int words)
    {
        for (int n = 0; n < words; n++)
        {
            uint writer = writers[n], reader = readers[n];
            if (writer != 0 && writer != mine)
                return false;
            if (reader == 0)
                readers[n] = mine;
            else if (reader != mine)
                readers[n] = reader == uint.MaxValue ? reader : Join(reader, mine);
        }

        return true;
    }

    /// <inheritdoc cref="IsQuickRead"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsQuickWrite(uint* writers, uint* readers, uint mine, int words)
    {
        for (int n = 0; n < words; n++)
        {
            uint writer = writers[n], reader = readers[n];
            if ((writer != 0 && writer != mine) || (reader != 0 && reader != mine))
                return false;
        }

        for (int n = 0; n < words; n++)
            writers[n] = mine;
        return true;
    }

    /// <summary>Marks of readers, byte by byte, after one more reader.</summary>
    private static uint Join(uint readers, uint mine)
    {
        uint joined = 0;
        for (int shift = 0; shift < 32; shift += 8)
        {
            uint reader = readers >> shift & 255, own = mine >> shift & 255;
            joined |= (reader == 0 || reader == own ? own : Many) << shift;
        }

        return joined;
    }

    private static KernelFault Race(int lane, long at, string what) => new(lane, $"race: {what} at byte {at} of shared memory without a barrier between them");

    private static string Name(uint mark) => mark switch
    {
        Many => "several warps",
        Atomically => "an atomic instruction",
        _ => $"warp {mark - 1}",
    };

    private void Check(int lane, long address, int bytes)
    {
        if ((address & (bytes - 1)) != 0)
            throw new KernelFault(lane, $"shared address {address} of {bytes} bytes is not aligned to them");
        if (address < 0 || address > Bytes - bytes)
            throw new KernelFault(lane, $"shared address {address} of {bytes} bytes is outside the {Bytes} bytes that the block has");
        _low = Math.Min(_low, (int)address);
        _high = Math.Max(_high, (int)address + bytes);
    }
}
