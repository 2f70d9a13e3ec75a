using System.Diagnostics;

namespace Dino.Ssl.Embedding;

/// <summary>The buffers of one request: what the network sees of a picture, and its feature.</summary>
internal sealed class PreparedPicture(int pixels, int width)
{
    private TaskCompletionSource? _done;

    /// <summary>Normalised pixels [C, size, size].</summary>
    public float[] Pixels { get; } = GC.AllocateUninitializedArray<float>(pixels);

    /// <summary>[D], of a formed batch.</summary>
    public float[] Feature { get; } = new float[width];

    /// <summary>When it was queued, a time stamp of <see cref="Stopwatch"/>.</summary>
    public long Arrival { get; private set; }

    /// <summary>It is queued now.</summary>
    public TaskCompletionSource Begin()
    {
        Arrival = Stopwatch.GetTimestamp();
        // Continuations belong to the requests, not to the thread that forms batches.
        return _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Its feature is written, or its pass has failed.</summary>
    public void End(Exception? failure)
    {
        if (failure is null)
            _done!.SetResult();
        else
            _done!.SetException(failure);
    }
}
