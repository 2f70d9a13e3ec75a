namespace Dino.Tensors.Formats;

/// <summary>
/// What reading a PyTorch file may cost. Tensor data is not limited: stored data takes no more than the file has bytes, and is read on demand.
/// </summary>
public sealed record TorchFileLimits
{
    /// <summary>256 MiB of pickle, 4 million values, 100 levels, 1 GiB of inflated data.</summary>
    public static TorchFileLimits Default { get; } = new();

    /// <summary>Longest pickle in bytes. It holds the structure; training checkpoints have about a hundred bytes a tensor.</summary>
    public long MaxPickleBytes { get; init; } = 256L << 20;

    /// <summary>Most values: operations of the pickle, and places in the tree it makes, where a shared value counts at each of its places.</summary>
    public int MaxValues { get; init; } = 4_000_000;

    /// <summary>Deepest nesting of dictionaries and lists.</summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>
    /// Most bytes of tensors that are deflated in the archive, all together: they stay in memory while the file is open. PyTorch itself stores without deflating.
    /// </summary>
    public long MaxInflatedBytes { get; init; } = 1L << 30;

    /// <summary>Checks that every limit is positive, and the depth one that recursion bears.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPickleBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxValues);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxDepth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxDepth, 1000);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxInflatedBytes);
    }
}
