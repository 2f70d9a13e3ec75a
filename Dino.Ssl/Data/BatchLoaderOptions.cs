namespace Dino.Ssl.Data;

/// <summary>How <see cref="BatchLoader"/> groups, orders and prefetches pictures.</summary>
public sealed record BatchLoaderOptions
{
    /// <summary>Pictures per batch.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Seed of the order and of every random decision in the views.</summary>
    public ulong Seed { get; init; }

    /// <summary>True for a new random order every epoch, false for the order of the folder.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>True to leave out the last pictures of an epoch that do not fill a batch; false for a smaller last batch.</summary>
    public bool DropLast { get; init; } = true;

    /// <summary>Threads that decode and augment; 0 for one less than the processor has, at least 1 and at most 16. Does not change the result.</summary>
    public int Workers { get; init; }

    /// <summary>Batches made ahead of the one in use. Memory: (Prefetch + 1) times one batch of all views.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>Decoded pictures are kept in memory up to this many bytes; 0 keeps none. 50,000 pictures of 32 x 32 take 154 MB.</summary>
    public long CacheBytes { get; init; }

    /// <summary>
    /// Most bytes of pictures that wait in page-locked memory, over all batches, for a device that makes their views. A system that is left too little memory it
    /// may move hangs. Pictures beyond are resized by the workers, which gives the same views; those come on top.
    /// </summary>
    internal long PageLockedBytes { get; init; } = Math.Min(2L << 30, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8);

    /// <summary>Called once per unusable file, on a worker thread.</summary>
    public Action<SkippedPicture>? OnSkipped { get; init; }

    /// <summary>The thread count that <see cref="Workers"/> stands for.</summary>
    public int EffectiveWorkers => Workers > 0 ? Workers : Math.Clamp(Environment.ProcessorCount - 1, 1, 16);

    /// <summary>Options for evaluation: every picture once, in the order of the folder.</summary>
    /// <param name="batchSize">Pictures per batch; the last batch may be smaller.</param>
    public static BatchLoaderOptions InOrder(int batchSize = 64) => new() { BatchSize = batchSize, Shuffle = false, DropLast = false };

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it and the allowed range.</exception>
    public void Validate()
    {
        Require(BatchSize > 0, nameof(BatchSize), BatchSize, "1 or more");
        Require(Workers is >= 0 and <= 1024, nameof(Workers), Workers, "0 (automatic) to 1024");
        Require(Prefetch is >= 0 and <= 1024, nameof(Prefetch), Prefetch, "0 to 1024");
        Require(CacheBytes >= 0, nameof(CacheBytes), CacheBytes, "0 or more");
    }

    private static void Require(bool holds, string name, long value, string allowed)
    {
        if (!holds)
            throw new ArgumentException($"{name} is {value}; allowed: {allowed}.", name);
    }
}
