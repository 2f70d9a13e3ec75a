namespace Dino.Ssl.Data;

/// <summary>
/// One batch of views. It belongs to its <see cref="BatchLoader"/>, which refills it: valid until the next call of
/// <see cref="BatchLoader.Next"/>, <see cref="BatchLoader.Start"/> or Dispose.
/// </summary>
public sealed class SampleBatch
{
    private readonly float[][] _views;
    private readonly int[] _lengths;
    private readonly int[] _samples;
    private readonly int[] _labels;

    internal SampleBatch(int size, IReadOnlyList<int> viewSizes, int channels, PictureBatch? pictures = null)
    {
        Pictures = pictures;
        _lengths = [.. viewSizes.Select(side => checked(channels * side * side))];
        // Pinned: a device can copy from these arrays, or a tensor wrap them, without a handle per batch.
        _views = pictures is not null ? [] : [.. _lengths.Select(length => GC.AllocateUninitializedArray<float>(checked(size * length), pinned: true))];
        (_samples, _labels) = (new int[size], new int[size]);
        ViewSizes = viewSizes;
    }

    /// <summary>The epoch, from 0.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Number of the batch in its epoch, from 0.</summary>
    public int Index { get; internal set; }

    /// <summary>Pictures in this batch, B.</summary>
    public int Count { get; internal set; }

    /// <summary>Side of each view in pixels.</summary>
    public IReadOnlyList<int> ViewSizes { get; }

    /// <summary>Indices of the pictures in the folder [B]; for an unusable picture, that of its replacement.</summary>
    public ReadOnlySpan<int> Samples => _samples.AsSpan(0, Count);

    /// <summary>Class of each picture [B], -1 where there are no classes.</summary>
    public ReadOnlySpan<int> Labels => _labels.AsSpan(0, Count);

    /// <summary>The pictures, where a device makes their views; null where the views are here.</summary>
    internal PictureBatch? Pictures { get; }

    /// <summary>One view of all pictures [B, C, size, size], normalised; the memory is pinned.</summary>
    /// <param name="view">Index into <see cref="ViewSizes"/>.</param>
    /// <exception cref="InvalidOperationException">A device makes the views of this batch.</exception>
    public ReadOnlySpan<float> View(int view) => ViewMemory(view).Span;

    /// <summary>As <see cref="View"/>, as memory.</summary>
    /// <param name="view">Index into <see cref="ViewSizes"/>.</param>
    /// <exception cref="InvalidOperationException">A device makes the views of this batch.</exception>
    public ReadOnlyMemory<float> ViewMemory(int view) => Pictures is null
        ? new(_views[view], 0, Count * _lengths[view])
        : throw new InvalidOperationException("This batch holds pictures, whose views a device makes. Load it without an augmentation for views on the host.");

    /// <summary>Where picture <paramref name="row"/> of a view goes.</summary>
    internal Span<float> Destination(int view, int row) => _views[view].AsSpan(row * _lengths[view], _lengths[view]);

    internal void SetSource(int row, int sample, int label) => (_samples[row], _labels[row]) = (sample, label);
}
