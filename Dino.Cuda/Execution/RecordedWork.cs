using Dino.Tensors.Backends;

namespace Dino.Cuda.Execution;

/// <summary>Repeated work on a CUDA device: done call by call the first time, recorded the second, replayed as graphs from then on.</summary>
/// <param name="queue">The queue of the device.</param>
internal sealed class RecordedWork(WorkQueue queue) : Repetition
{
    /// <summary>Records given up before it is taken that there is nothing to record.</summary>
    private const int MaxForgotten = 3;

    private int _forgotten;

    /// <summary>Stretches of work between two moments at which the host waits; none before there is a record.</summary>
    public List<Segment> Segments { get; } = [];

    /// <summary>Turns begun.</summary>
    public long Turns { get; set; }

    /// <summary>Whether turns have differed so often that recording them is in vain.</summary>
    public bool IsUnstable => _forgotten >= MaxForgotten;

    /// <summary>Gives up the record; the device must not be at it.</summary>
    public void Forget()
    {
        _forgotten++;
        Clear();
    }

    /// <inheritdoc/>
    protected override void Begin() => queue.Begin(this);

    /// <inheritdoc/>
    protected override void End() => queue.End();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (Segments.Count > 0)
            queue.TrySynchronize();
        Clear();
        base.Dispose(disposing);
    }

    private void Clear()
    {
        foreach (Segment segment in Segments)
            segment.Dispose();
        Segments.Clear();
    }
}
