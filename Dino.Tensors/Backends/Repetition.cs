namespace Dino.Tensors.Backends;

/// <summary>
/// Work that is done again and again with the same operations on the same memory, such as a training step. A device may record it and then replay the
/// record as one; operands that change, random keys and learning rates among them, are followed, and work that turns out different is done as if there were no record.
/// </summary>
/// <remarks>Results are those of the same work without a repetition. While a turn is open, no other thread may use the device.</remarks>
public class Repetition : IDisposable
{
    /// <summary>Begins a turn, which ends when what is returned is disposed.</summary>
    public Turn Open()
    {
        Begin();
        return new Turn(this);
    }

    /// <summary>Begins a turn.</summary>
    protected virtual void Begin() { }

    /// <summary>Ends a turn: all its work is queued then, also after an exception.</summary>
    protected virtual void End() { }

    /// <summary>Frees the record.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what the record holds.</summary>
    protected virtual void Dispose(bool disposing) { }

    /// <summary>One turn, until disposed.</summary>
    public readonly ref struct Turn
    {
        private readonly Repetition _repetition;

        internal Turn(Repetition repetition) => _repetition = repetition;

        /// <summary>Ends the turn.</summary>
        public void Dispose() => _repetition.End();
    }
}
