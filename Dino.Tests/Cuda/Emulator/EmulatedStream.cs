namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// Work in order. Copies of page-locked memory are done as late as the rules allow: when something that was queued behind them is done, or when somebody waits
/// for them. So whoever relies on them without waiting finds what was there before. Everything else is done when it is queued.
/// </summary>
internal sealed unsafe class EmulatedStream(EmulatedMachine machine) : EmulatedObject(machine)
{
    private readonly nint[] _lastNode = GC.AllocateArray<nint>(1, pinned: true);
    private readonly Queue<(long Target, long Source, long Bytes)> _late = [];
    private readonly HashSet<(long Address, long Bytes)> _copied = [];
    private long _done;

    /// <summary>Number of the last copy that was put off.</summary>
    public long LastCopy => _done + _late.Count;

    /// <summary>Where the handle of the last recorded step is put for who asks for it.</summary>
    public nint* LastNode => (nint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _lastNode[0]);

    /// <summary>Whether the recording permits calls that could disturb it.</summary>
    public bool IsRelaxed { get; set; }

    /// <summary>What is being recorded instead of run; null when nothing is.</summary>
    public EmulatedGraph? Capture { get; set; }

    /// <summary>Whether a forbidden call has spoilt the recording.</summary>
    public bool IsCaptureSpoilt { get; set; }

    /// <summary>Whether the driver may still be reading pageable memory for a copy that nobody has waited for.</summary>
    public bool IsReadingPageable { get; set; }

    /// <summary>The thread that began it.</summary>
    public int CapturingThread { get; set; }

    /// <summary>Puts a copy off.</summary>
    public void Postpone(long target, long source, long bytes) => _late.Enqueue((target, source, bytes));

    /// <summary>Does what was put off, up to a copy; an error of the driver, or 0.</summary>
    public int Finish(long last = long.MaxValue)
    {
        while (_done < last && _late.TryDequeue(out (long Target, long Source, long Bytes) copy))
        {
            _done++;
            int error = Machine.Copy(copy.Target, copy.Source, copy.Bytes);
            if (error != 0)
                return error;
        }

        return 0;
    }

    /// <summary>Whether copies that are still to be done use memory.</summary>
    public bool Uses(long address) =>
        _late.Any(copy => (address >= copy.Source && address < copy.Source + copy.Bytes) || (address >= copy.Target && address < copy.Target + copy.Bytes));

    /// <summary>Notes device memory that a queued copy reads: on a device it might do so at any time until the host has waited.</summary>
    public void NoteRead(long address, long bytes) => _copied.Add((address, bytes));

    /// <summary>The host has waited for all work.</summary>
    public void ForgetReads()
    {
        _copied.Clear();
        IsReadingPageable = false;
    }

    /// <summary>Whether memory may still be read by queued copies.</summary>
    public bool MayRead(long address, long bytes)
    {
        foreach ((long start, long length) in _copied)
        {
            if (address < start + length && start < address + bytes)
                return true;
        }

        return false;
    }
}

/// <summary>A moment of a stream.</summary>
internal sealed class EmulatedEvent(EmulatedMachine machine) : EmulatedObject(machine)
{
    /// <summary>The recording in which it was recorded last.</summary>
    public EmulatedGraph? Capture { get; set; }

    /// <summary>The stream on which it was recorded last.</summary>
    public EmulatedStream? Stream { get; private set; }

    private long Step { get; set; }

    public void Record(EmulatedStream stream) => (Stream, Step, Capture) = (stream, stream.LastCopy, stream.Capture);

    /// <summary>Does the work before the moment; an error of the driver, or 0.</summary>
    public int Finish() => Stream?.Finish(Step) ?? 0;
}
