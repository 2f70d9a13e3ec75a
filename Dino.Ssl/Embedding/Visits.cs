namespace Dino.Ssl.Embedding;

/// <summary>Counts who is inside, so that closing can refuse newcomers and wait for the others.</summary>
/// <param name="name">What is closed, for the message.</param>
internal sealed class Visits(string name)
{
    private readonly object _gate = new();
    private int _inside;
    private bool _isClosed;

    /// <summary>Enters until the visit is disposed.</summary>
    /// <exception cref="ObjectDisposedException">Closed.</exception>
    public Visit Enter()
    {
        lock (_gate)
        {
            ThrowIfClosed();
            _inside++;
        }

        return new Visit(this);
    }

    /// <summary>For a visitor who had to wait inside.</summary>
    /// <exception cref="ObjectDisposedException">Closed in the meantime.</exception>
    public void ThrowIfClosed()
    {
        if (Volatile.Read(ref _isClosed))
            throw new ObjectDisposedException(name, $"The {name} has been disposed. Keep it for as long as there are requests: one serves a whole application.");
    }

    /// <summary>Lets nobody in any more.</summary>
    /// <returns>Whether this call was the one that closed.</returns>
    public bool Close()
    {
        lock (_gate)
        {
            bool isFirst = !_isClosed;
            Volatile.Write(ref _isClosed, true);
            return isFirst;
        }
    }

    /// <summary>Waits until everybody has left.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (_inside > 0)
                Monitor.Wait(_gate);
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0 && _isClosed)
                Monitor.PulseAll(_gate);
        }
    }

    public readonly struct Visit(Visits visits) : IDisposable
    {
        public void Dispose() => visits.Leave();
    }
}
