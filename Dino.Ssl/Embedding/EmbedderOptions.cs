using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Embedding;

/// <summary>How an <see cref="ImageEmbedder"/> computes. The defaults give the L2-normalised CLS feature in F32 on all cores.</summary>
public sealed record EmbedderOptions
{
    /// <summary>Where to compute; it stays the caller's. Null for a CPU device of the embedder's own.</summary>
    public Device? Device { get; init; }

    /// <summary>Threads of the embedder's own device; 0 for one per core. Results do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>How the weights of linear layers are kept: F32, BF16 in half the memory, I8 in a quarter.</summary>
    public WeightFormat Precision { get; init; } = WeightFormat.F32;

    /// <summary>Which feature.</summary>
    public FeatureKind FeatureKind { get; init; } = FeatureKind.Cls;

    /// <summary>How many of the last blocks, for <see cref="FeatureKind.LastBlocks"/> and <see cref="FeatureKind.LastBlocksAndPatchMean"/>; the official linear evaluation takes 4 of a ViT-S and 1 of a ViT-B.</summary>
    public int Blocks { get; init; } = 4;

    /// <summary>Whether each feature is divided by its L2 norm, so that a dot product is the cosine of two pictures.</summary>
    public bool Normalize { get; init; } = true;

    /// <summary>What the network sees of a picture; null for what the model was made for.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Part of a checkpoint to take, such as <c>student</c>; null for the teacher where there is one.</summary>
    public string? Key { get; init; }

    /// <summary>Adapts the network to pictures of another number of channels, as <see cref="ModelLoadOptions.Channels"/> does; null for as many as it has.</summary>
    public int? Channels { get; init; }

    /// <summary>
    /// Most pictures of concurrent requests that are computed in one pass; 1 computes each request by itself. Worth raising where a pass of one picture is too
    /// little work for the device: a GPU, or networks with few tokens on many cores.
    /// </summary>
    public int MaxBatch { get; init; } = 1;

    /// <summary>How long a request waits for others to share its pass. Zero takes those that came while the pass before was under way, and delays nobody.</summary>
    public TimeSpan BatchDelay { get; init; }

    /// <summary>What a decoder may spend on one picture; null for <see cref="DecodeLimits.Default"/>. Lower it where strangers send the pictures.</summary>
    public DecodeLimits? Limits { get; init; }

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it and the allowed range.</exception>
    public void Validate()
    {
        Require(Threads is >= 0 and <= 1024, nameof(Threads), Threads, "0 (one per core) to 1024");
        Require(Device is null || Threads == 0, nameof(Threads), Threads, $"0 where {nameof(Device)} is given, which has threads of its own");
        Require(Enum.IsDefined(Precision), nameof(Precision), Precision, string.Join(", ", Enum.GetNames<WeightFormat>()));
        Require(Enum.IsDefined(FeatureKind), nameof(FeatureKind), FeatureKind, string.Join(", ", Enum.GetNames<FeatureKind>()));
        Require(Blocks >= 1, nameof(Blocks), Blocks, "1 or more");
        Require(MaxBatch is >= 1 and <= 1024, nameof(MaxBatch), MaxBatch, "1 (no batches) to 1024");
        Require(BatchDelay >= TimeSpan.Zero && BatchDelay <= TimeSpan.FromMinutes(1), nameof(BatchDelay), BatchDelay, "0 to 1 minute");
        Require(BatchDelay == TimeSpan.Zero || MaxBatch > 1, nameof(BatchDelay), BatchDelay, $"0 unless {nameof(MaxBatch)} is 2 or more");
        Preprocessing?.Validate();
        Limits?.Validate();
    }

    private static void Require<T>(bool holds, string name, T value, string allowed)
    {
        if (!holds)
            throw new ArgumentException($"{name} is {value}; allowed: {allowed}.", name);
    }
}
