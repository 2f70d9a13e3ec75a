using Dino.Ssl.Data;

namespace Dino.Ssl.Probing;

/// <summary>Batches of features to learn from: a function of pictures and settings, wherever the run starts.</summary>
internal interface IProbeBatches : IDisposable
{
    /// <summary>Batches in one epoch; the last may be smaller.</summary>
    int PerEpoch { get; }

    /// <summary>Pictures found unusable so far.</summary>
    IReadOnlyCollection<SkippedPicture> Skipped { get; }

    /// <summary>[B, D] of the batch that <see cref="Next"/> made.</summary>
    ReadOnlySpan<float> Features { get; }

    /// <summary>Class of each row [B].</summary>
    ReadOnlySpan<int> Labels { get; }

    /// <summary>Starts at any batch of any epoch.</summary>
    void Start(int epoch, int batch, int endEpoch);

    /// <summary>Makes the next batch.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the batch can still be asked for.</exception>
    void Next(CancellationToken cancellationToken);
}
