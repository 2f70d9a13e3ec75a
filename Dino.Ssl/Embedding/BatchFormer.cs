using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dino.Ssl.Embedding;

/// <summary>
/// Puts pictures of concurrent requests into one pass. A thread of its own takes those that wait, in the order in which they came; whatever came while a pass was under way
/// shares the next one.
/// </summary>
internal sealed class BatchFormer : IDisposable
{
    private readonly object _gate = new();
    private readonly LinkedList<PreparedPicture> _waiting = new();
    private readonly int _limit;
    private readonly TimeSpan _delay;
    private readonly Action<IReadOnlyList<PreparedPicture>> _compute;
    private readonly Thread _thread;
    private bool _isHurried;
    private bool _isClosed;

    /// <param name="limit">Most pictures in one pass.</param>
    /// <param name="delay">How long the first of a pass waits for more.</param>
    /// <param name="compute">Writes the feature of each picture.</param>
    public BatchFormer(int limit, TimeSpan delay, Action<IReadOnlyList<PreparedPicture>> compute)
    {
        (_limit, _delay, _compute) = (limit, delay, compute);
        _thread = new Thread(Work) { IsBackground = true, Name = "Dino batches" };
        _thread.Start();
    }

    /// <summary>Pictures of the largest pass so far.</summary>
    public int LargestBatch { get; private set; }

    /// <summary>Pictures that wait for a pass.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Queues a picture.</summary>
    /// <returns>Completed when its feature is written, or with the failure of the pass.</returns>
    public Task Add(PreparedPicture picture)
    {
        TaskCompletionSource done = picture.Begin();
        lock (_gate)
        {
            _waiting.AddLast(picture);
            Monitor.Pulse(_gate);
        }

        return done.Task;
    }

    /// <summary>Takes a picture out of the queue; false if it is in a pass already, or done.</summary>
    public bool TryWithdraw(PreparedPicture picture)
    {
        lock (_gate)
            return _waiting.Remove(picture);
    }

    /// <summary>Makes nobody wait for others any more.</summary>
    public void Hurry()
    {
        lock (_gate)
        {
            _isHurried = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends the thread. The queue is empty by then.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Work()
    {
        List<PreparedPicture> batch = new(_limit);
        while (Take(batch))
        {
            LargestBatch = Math.Max(LargestBatch, batch.Count);
            Exception? failure = null;
            try
            {
                _compute(batch);
            }
            catch (Exception error)
            {
                // It belongs to those who wait: here it would end the process.
                failure = error;
            }

            foreach (PreparedPicture picture in CollectionsMarshal.AsSpan(batch))
                picture.End(failure);
        }
    }

    private bool Take(List<PreparedPicture> batch)
    {
        batch.Clear();
        lock (_gate)
        {
            while (batch.Count == 0)
            {
                while (_waiting.Count == 0 && !_isClosed)
                    Monitor.Wait(_gate);
                if (_waiting.Count == 0)
                    return false;
                WaitForMore(_waiting.First!.Value.Arrival);
                for (; _waiting.First is { } first && batch.Count < _limit; _waiting.RemoveFirst())
                    batch.Add(first.Value);
            }
        }

        return true;
    }

    /// <summary>May return with an empty queue: who waits can withdraw.</summary>
    private void WaitForMore(long arrival)
    {
        while (_waiting.Count < _limit && !_isHurried)
        {
            TimeSpan left = _delay - Stopwatch.GetElapsedTime(arrival);
            if (left <= TimeSpan.Zero)
                return;
            // Rounded up: a wait of zero milliseconds would spin.
            Monitor.Wait(_gate, (int)Math.Ceiling(left.TotalMilliseconds));
        }
    }
}
