using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// The memory of a device. Addresses are those of the host plus a number that makes them useless there: code that follows a device pointer on the host
/// fails, as it would with a real device. Every access is checked against what is allocated at that time.
/// </summary>
internal sealed unsafe class DeviceMemory : IDisposable
{
    /// <summary>Device address minus host address; no processor maps anything there.</summary>
    public const long Distance = 1L << 52;

    /// <summary>What fresh memory is full of: as F32, BF16, F16 and I32 a conspicuous value, three times NaN.</summary>
    public const byte Poison = 0xFF;

    /// <summary>Alignment of allocations, and the room around each that belongs to none.</summary>
    private const int Alignment = 512, Gap = 4096;

    private readonly SortedList<long, long> _live = [];
    private readonly Dictionary<long, long> _freed = [];
    private readonly Lock _lock = new();

    /// <summary>Bytes that may be allocated at the same time.</summary>
    public long Limit { get; set; } = 8L << 30;

    public long Used { get; private set; }

    public int Count => _live.Count;

    /// <summary>Allocates; 0 if that would go over the limit.</summary>
    public long Allocate(long bytes)
    {
        lock (_lock)
        {
            if (bytes > Limit - Used)
                return 0;
            byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Gap)), Alignment);
            NativeMemory.Fill(block + Gap, (nuint)bytes, Poison);
            long address = (long)(block + Gap) + Distance;
            _freed.Remove(address);
            _live.Add(address, bytes);
            Used += bytes;
            return address;
        }
    }

    /// <summary>Frees an allocation; false if there is none that starts here.</summary>
    public bool Free(long address)
    {
        lock (_lock)
        {
            if (!_live.Remove(address, out long bytes))
                return false;
            Used -= bytes;
            _freed[address] = bytes;
            NativeMemory.AlignedFree((byte*)(address - Distance) - Gap);
            return true;
        }
    }

    /// <summary>The allocation that an address lies in; an empty one if there is none.</summary>
    public (long Start, long End) Find(long address)
    {
        lock (_lock)
        {
            IList<long> starts = _live.Keys;
            int low = 0, high = starts.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (starts[middle] <= address)
                    low = middle + 1;
                else
                    high = middle;
            }

            if (low == 0)
                return default;
            long start = starts[low - 1], end = start + _live.Values[low - 1];
            return address < end ? (start, end) : default;
        }
    }

    /// <summary>Host address of bytes that are all allocated, or null.</summary>
    public byte* Host(long address, long bytes)
    {
        (long start, long end) = Find(address);
        return start != 0 && bytes <= end - address ? (byte*)(address - Distance) : null;
    }

    /// <summary>Says what is at an address that nothing should have touched.</summary>
    public string Describe(long address)
    {
        lock (_lock)
        {
            foreach ((long start, long bytes) in _live)
            {
                if (address >= start - Gap && address < start + bytes + Gap)
                    return address < start ? $"{start - address} bytes before an allocation of {bytes}" : $"at byte {address - start} of an allocation of {bytes}";
            }

            foreach ((long start, long bytes) in _freed)
            {
                if (address >= start && address < start + bytes)
                    return $"at byte {address - start} of {bytes} bytes that were freed";
            }

            return "in no allocation";
        }
    }

    public void Dispose()
    {
        foreach (long address in _live.Keys.ToArray())
            Free(address);
    }
}
