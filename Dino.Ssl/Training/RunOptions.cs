using Dino.Ssl.Data;

namespace Dino.Ssl.Training;

/// <summary>A whole training run: what to train, on what, and where to write.</summary>
public sealed record RunOptions
{
    /// <summary>Folder of pictures, with or without one sub-folder per class (labels are never used for training).</summary>
    public required string Data { get; init; }

    /// <summary>Folder for weights, checkpoint and log; made if it does not exist.</summary>
    public required string Output { get; init; }

    /// <summary>Method and network.</summary>
    public DinoOptions Dino { get; init; } = new();

    /// <summary>Views of each picture.</summary>
    public MultiCropOptions Crops { get; init; } = new();

    /// <summary>Continue from the checkpoint in the output folder, if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>
    /// A checkpoint to continue from when the output folder holds none: one of ours, or the <c>checkpoint.pth</c> of an official run with the same
    /// settings. Null starts a new run.
    /// </summary>
    public string? ResumeFrom { get; init; }

    /// <summary>Where views are made. The result does not depend on it.</summary>
    public AugmentationPlace Augment { get; init; }

    /// <summary>
    /// Equal parts that each batch is computed in, so that a step needs about one part's share of the memory for activations. The same training but for
    /// rounding, for batch norm, which sees one part at a time, and for the draws of drop path. May change when a run is resumed.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Threads that decode and augment; 0 chooses. The result does not depend on it.</summary>
    public int Workers { get; init; }

    /// <summary>Steps between checkpoints; 0 for one at the end of each epoch only.</summary>
    public int CheckpointSteps { get; init; }

    /// <summary>Decoded pictures are kept in memory up to this many bytes.</summary>
    public long CacheBytes { get; init; } = 512L << 20;

    /// <summary>Epochs between kept snapshots <c>checkpoint0020.safetensors</c>; 0 keeps only the latest.</summary>
    public int SnapshotEpochs { get; init; } = 20;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names the fix.</exception>
    public void Validate()
    {
        Dino.Validate();
        Crops.Validate();
        _ = BatchParts.SizeOf(Dino.BatchSize, Accumulate);
        int patch = Dino.Network.PatchSize;
        // A ResNet pads what is no multiple.
        if (Dino.ResNet is null && (Crops.GlobalSize % patch != 0 || Crops.LocalSize % patch != 0))
            throw new ArgumentException($"Crops of {Crops.GlobalSize} and {Crops.LocalSize} pixels must be multiples of the patch size {patch}. Change --image-size, --local-size or --patch-size.");
        if (Crops.GlobalSize != Dino.Network.ImageSize)
            throw new ArgumentException($"The global crops are {Crops.GlobalSize} pixels wide, the network is made for {Dino.Network.ImageSize}.");
        if (CheckpointSteps < 0 || SnapshotEpochs < 0 || CacheBytes < 0 || Workers < 0)
            throw new ArgumentException("Checkpoint steps, snapshot epochs, cache bytes and workers must not be negative.");
    }
}
