namespace Dino.Ssl.Embedding;

/// <summary>Reusable buffers, no more than a fixed number: who asks for one more waits until one comes back.</summary>
/// <param name="limit">Most there are at once.</param>
/// <param name="create">Makes one; called when it is first needed.</param>
internal sealed class BoundedPool<T>(int limit, Func<T> create) : IDisposable
    where T : class
{
    private readonly SemaphoreSlim _free = new(limit);
    private readonly Stack<T> _idle = new();

    /// <summary>How many were made so far.</summary>
    public int Created { get; private set; }

    public T Rent(CancellationToken cancellationToken)
    {
        _free.Wait(cancellationToken);
        return Take();
    }

    public async ValueTask<T> RentAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return Take();
    }

    public void Return(T item)
    {
        lock (_idle)
            _idle.Push(item);
        _free.Release();
    }

    public void Dispose() => _free.Dispose();

    private T Take()
    {
        try
        {
            lock (_idle)
            {
                if (_idle.TryPop(out T? item))
                    return item;
                T made = create();
                Created++;
                return made;
            }
        }
        catch
        {
            _free.Release();
            throw;
        }
    }
}
