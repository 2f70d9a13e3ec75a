using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>A machine with one GPU that is emulated: runs the PTX of kernels, and is strict where hardware is forgiving.</summary>
internal sealed unsafe partial class EmulatedMachine : IDisposable
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<int, WeakReference<EmulatedMachine>> s_machines = new();
    private static int s_devices = 5000;

    private readonly Dictionary<nint, EmulatedObject> _open = [];
    private readonly Dictionary<nint, long> _pinned = [];
    private readonly EmulatedLaunch _launch = new();
    private readonly Lock _lock = new();
    private Block? _block;
    private int _retained;

    /// <param name="seed">Decides the order of blocks and warps.</param>
    public EmulatedMachine(int seed = 1)
    {
        Random = new Random(seed);
        s_machines[Device] = new(this);
    }

    /// <summary>The driver's number of the device; no other machine has it.</summary>
    public int Device { get; } = Interlocked.Increment(ref s_devices);

    public DeviceMemory Memory { get; } = new();

    /// <summary>Held by who queues work: several threads may, and what they queue is done one after the other.</summary>
    public Lock Work { get; } = new();

    /// <summary>The primary context, as long as somebody holds it.</summary>
    public EmulatedContext? Context { get; private set; }

    public Random Random { get; }

    public int Multiprocessors { get; init; } = 4;

    /// <summary>Streams that have not been destroyed.</summary>
    public EmulatedStream[] Streams { get; private set; } = [];

    /// <summary>Bytes of memory that the system locks in one piece at most.</summary>
    public long LargestPinned { get; set; } = long.MaxValue;

    /// <summary>Changes PTX before it is loaded: what a test may do to see whether damage is noticed.</summary>
    public Func<string, string>? Edit { get; init; }

    /// <summary>Names of the kernels that have run.</summary>
    public HashSet<string> Kernels { get; } = [];

    /// <summary>What a kernel did wrong; after that nothing runs any more.</summary>
    public string? Fault { get; private set; }

    /// <summary>What was left when the context was given back for the last time.</summary>
    public IReadOnlyList<string> Leftovers { get; private set; } = [];

    /// <summary>Kernels that have run, of all names.</summary>
    public long Launches { get; private set; }

    /// <summary>Graphs that have run.</summary>
    public long GraphLaunches { get; set; }

    /// <summary>Times that the host waited for a stream.</summary>
    public long Waits { get; set; }

    /// <summary>Launches in graphs that were given other arguments.</summary>
    public long ParameterChanges { get; set; }

    /// <summary>The machine with a number, as long as somebody holds it.</summary>
    public static EmulatedMachine? OfDevice(int device) => s_machines.TryGetValue(device, out WeakReference<EmulatedMachine>? found) && found.TryGetTarget(out EmulatedMachine? machine) ? machine : null;

    public EmulatedContext Retain()
    {
        _retained++;
        return Context ??= new EmulatedContext(this);
    }

    public bool TryRelease()
    {
        if (_retained == 0)
            return false;
        if (--_retained == 0)
            Close();
        return true;
    }

    public nint Open(EmulatedObject item)
    {
        lock (_lock)
        {
            _open[item.Handle] = item;
            if (item is EmulatedStream stream)
                Streams = [.. Streams, stream];
        }

        return item.Handle;
    }

    public void Close(EmulatedObject item)
    {
        lock (_lock)
        {
            _open.Remove(item.Handle);
            if (item is EmulatedStream stream)
                Streams = Array.FindAll(Streams, other => other != stream);
        }

        Handles.Remove(item.Handle);
    }

    /// <summary>Whether some stream is recording, so that calls which wait or allocate are forbidden.</summary>
    public EmulatedStream? Capturing()
    {
        lock (_lock)
        {
            foreach (EmulatedObject item in _open.Values)
            {
                if (item is EmulatedStream { Capture: not null } stream)
                    return stream;
            }
        }

        return null;
    }

    public nint AllocatePinned(nuint bytes)
    {
        nint address = (nint)NativeMemory.AlignedAlloc(Math.Max(bytes, 1), 64);
        lock (_lock)
            _pinned[address] = (long)bytes;
        return address;
    }

    public bool FreePinned(nint address)
    {
        lock (_lock)
        {
            if (!_pinned.Remove(address))
                return false;
        }

        NativeMemory.AlignedFree((void*)address);
        return true;
    }

    public bool IsPinned(nint address, long bytes)
    {
        lock (_lock)
        {
            foreach ((nint start, long length) in _pinned)
            {
                if (address >= start && address + bytes <= start + length)
                    return true;
            }
        }

        return false;
    }

    /// <summary>Copies; addresses of the device are told from those of the host by their size.</summary>
    public int Copy(long target, long source, long bytes)
    {
        if (bytes == 0)
            return 0;
        byte* to = Place(target, bytes), from = Place(source, bytes);
        if (to == null || from == null)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"copy of {bytes} bytes: {Memory.Describe(to == null ? target : source)}");
        Buffer.MemoryCopy(from, to, bytes, bytes);
        return 0;
    }

    public int Fill(long target, uint pattern, int size, long count)
    {
        byte* to = Place(target, size * count);
        if (to == null)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"fill of {size * count} bytes: {Memory.Describe(target)}");
        for (long n = 0; n < count; n++)
            Buffer.MemoryCopy(&pattern, to + (n * size), size, size);
        return 0;
    }

    public void Dispose()
    {
        Close();
        s_machines.TryRemove(Device, out _);
    }

    private byte* Place(long address, long bytes) => address >= DeviceAllocation.Distance ? Memory.Host(address, bytes) : (byte*)address;

    /// <summary>Takes down what is left, after noting it.</summary>
    private void Close()
    {
        List<string> left = [];
        foreach (EmulatedModule module in _open.Values.OfType<EmulatedModule>().ToArray())
        {
            left.Add($"a module with {string.Join(", ", module.Functions.Keys)}");
            module.Unload();
        }

        left.AddRange(_open.Values.Where(item => item is not EmulatedModule).Select(item => $"one {item.GetType().Name}"));
        if (Memory.Count > 0)
            left.Add($"{Memory.Used} bytes in {Memory.Count} allocations");
        if (_pinned.Count > 0)
            left.Add($"{_pinned.Values.Sum()} bytes of pinned memory");
        foreach (EmulatedObject item in _open.Values)
        {
            Handles.Remove(item.Handle);
            (item as EmulatedGraph)?.Release();
            (item as EmulatedGraphExecution)?.Release();
        }

        _open.Clear();
        foreach (nint address in _pinned.Keys.ToArray())
            FreePinned(address);
        Memory.Dispose();
        _block?.Dispose();
        _block = null;
        _launch.Dispose();
        Leftovers = left;
        if (Context is not null)
            Handles.Remove(Context.Handle);
        Context = null;
    }
}
