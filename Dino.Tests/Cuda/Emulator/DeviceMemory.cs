namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// The memory of a device. Addresses are those of the host plus a number that makes them useless there: code that follows a device pointer on the host
/// fails, as it would with a real device. Every access is checked against what is allocated at that time.
/// </summary>
internal sealed unsafe class DeviceMemory : IDisposable
{
    private readonly SortedList<long, DeviceAllocation> _live = [];
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
            DeviceAllocation allocation = new(bytes);
            _freed.Remove(allocation.Start);
            _live.Add(allocation.Start, allocation);
            Used += bytes;
            return allocation.Start;
        }
    }

    /// <summary>Frees an allocation; false if there is none that starts here.</summary>
    public bool Free(long address)
    {
        lock (_lock)
        {
            if (!_live.Remove(address, out DeviceAllocation? allocation))
                return false;
            Used -= allocation.Bytes;
            _freed[address] = allocation.Bytes;
            allocation.Dispose();
            return true;
        }
    }

    /// <summary>The allocation that an address lies in, or null.</summary>
    public DeviceAllocation? Find(long address)
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

            return low > 0 && _live.Values[low - 1] is { } found && address < found.End ? found : null;
        }
    }

    /// <summary>Forgets who has read and written.</summary>
    public void ForgetAccesses()
    {
        lock (_lock)
        {
            foreach (DeviceAllocation allocation in _live.Values)
                allocation.Forget();
        }
    }

    /// <summary>Host address of bytes that are all allocated, or null.</summary>
    public byte* Host(long address, long bytes) =>
        Find(address) is { } found && bytes <= found.End - address ? (byte*)(address - DeviceAllocation.Distance) : null;

    /// <summary>Says what is at an address that nothing should have touched.</summary>
    public string Describe(long address)
    {
        lock (_lock)
        {
            foreach (DeviceAllocation allocation in _live.Values)
            {
                if (address >= allocation.Start - DeviceAllocation.Gap && address < allocation.End + DeviceAllocation.Gap)
                {
                    return address < allocation.Start
                        ? $"{allocation.Start - address} bytes before an allocation of {allocation.Bytes}" : $"at byte {address - allocation.Start} of an allocation of {allocation.Bytes}";
                }
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
