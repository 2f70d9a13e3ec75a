using System.Numerics.Tensors;
using System.Runtime.ExceptionServices;
using Dino.Imaging;
using Dino.Ssl.Data;

namespace Dino.Ssl.Embedding;

/// <summary>Several pictures in one request, and tensors.</summary>
public sealed partial class ImageEmbedder
{
    /// <summary>Features of picture files. They are decoded on all cores and computed a few at a time.</summary>
    /// <param name="paths">PNG and JPEG files.</param>
    /// <param name="cancellationToken">Stops between pictures.</param>
    /// <returns>[N, D], row-major, in the order of the files.</returns>
    /// <exception cref="ImageException">One of them is corrupt, unsupported or too large: the first such file, named in the message.</exception>
    /// <exception cref="IOException">One of them cannot be read.</exception>
    public float[] EmbedBatch(IReadOnlyList<string> paths, CancellationToken cancellationToken = default)
    {
        float[] features = Rows(paths);
        EmbedBatch(paths, features, cancellationToken);
        return features;
    }

    /// <summary>Features of decoded pictures, computed a few at a time.</summary>
    /// <param name="images">The pictures, of any sizes.</param>
    /// <param name="cancellationToken">Stops between pictures.</param>
    /// <returns>[N, D], row-major, in the order of the pictures.</returns>
    public float[] EmbedBatch(IReadOnlyList<Image> images, CancellationToken cancellationToken = default)
    {
        float[] features = Rows(images);
        EmbedBatch(images, features, cancellationToken);
        return features;
    }

    /// <inheritdoc cref="EmbedBatch(IReadOnlyList{string}, CancellationToken)"/>
    /// <param name="features">[N, D], written.</param>
    public void EmbedBatch(IReadOnlyList<string> paths, Span<float> features, CancellationToken cancellationToken = default) =>
        EmbedAll(paths, static path => Source(path), features, cancellationToken);

    /// <inheritdoc cref="EmbedBatch(IReadOnlyList{Image}, CancellationToken)"/>
    /// <param name="features">[N, D], written.</param>
    public void EmbedBatch(IReadOnlyList<Image> images, Span<float> features, CancellationToken cancellationToken = default) =>
        EmbedAll(images, static image => Source(image), features, cancellationToken);

    /// <summary>Features of pictures that have been brought to the input of the network, in one pass. On the CPU dense pixels are read where they are.</summary>
    /// <param name="pixels">Normalised pixels [B, C, H, W], as <see cref="Preprocess"/> makes them; H and W may be other than <see cref="Preprocessing"/> says.</param>
    /// <param name="features">[B, D], written.</param>
    /// <exception cref="ArgumentException">The lengths of an axis do not fit.</exception>
    public void Embed(in ReadOnlyTensorSpan<float> pixels, in TensorSpan<float> features)
    {
        (int patch, int channels) = (Model.Backbone.Options.PatchSize, Model.Backbone.Options.Channels);
        if (pixels.Rank != 4 || pixels.Lengths[0] < 1 || pixels.Lengths[1] != channels || pixels.Lengths[2] < patch || pixels.Lengths[3] < patch)
            throw new ArgumentException($"Pixels must be [B, {channels}, H, W] with sides of {patch} or more; they are [{string.Join(", ", pixels.Lengths.ToArray())}].", nameof(pixels));
        if (features.Rank != 2 || features.Lengths[0] != pixels.Lengths[0] || features.Lengths[1] != Width)
            throw new ArgumentException($"Features must be [{pixels.Lengths[0]}, {Width}]; they are [{string.Join(", ", features.Lengths.ToArray())}].", nameof(features));
        using Visits.Visit visit = _visits.Enter();
        _passes.Wait();
        try
        {
            _visits.ThrowIfClosed();
            if (features.IsDense)
            {
                _features.Extract(pixels, features.GetSpan([0, 0], checked((int)features.FlattenedLength)));
            }
            else
            {
                float[] dense = new float[features.FlattenedLength];
                _features.Extract(pixels, dense);
                new ReadOnlyTensorSpan<float>(dense, features.Lengths).CopyTo(features);
            }
        }
        finally
        {
            _passes.Release();
        }
    }

    /// <summary>What the network sees of a picture: resized, cropped and normalised.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="pixels">[C, size, size] of <see cref="Preprocessing"/>, written.</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Preprocess(Image image, Span<float> pixels)
    {
        using Visits.Visit visit = _visits.Enter();
        Prepare(Source(image), pixels, CancellationToken.None);
    }

    private float[] Rows<T>(IReadOnlyList<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new float[checked(items.Count * Width)];
    }

    private void EmbedAll<T, TSource>(IReadOnlyList<T> items, Func<T, TSource> sourceOf, Span<float> features, CancellationToken cancellationToken)
        where TSource : struct, IPictureSource
    {
        ArgumentNullException.ThrowIfNull(items);
        if (features.Length != (long)items.Count * Width)
            throw new ArgumentException($"{items.Count} features of {Width} take {(long)items.Count * Width} numbers, there is room for {features.Length}.", nameof(features));
        using Visits.Visit visit = _visits.Enter();
        if (items.Count == 0)
            return;
        for (int first = 0; first < items.Count; first += _chunk)
        {
            int count = Math.Min(_chunk, items.Count - first);
            // For each pass anew: a request of many pictures holds up nobody for longer.
            BatchBuffers buffers = _batches.Rent(cancellationToken);
            try
            {
                PrepareAll(items, first, count, sourceOf, buffers, cancellationToken);
                Pass(buffers.Pictures(count), count, features.Slice(first * Width, count * Width), cancellationToken);
            }
            finally
            {
                _batches.Return(buffers);
            }
        }
    }

    private void PrepareAll<T, TSource>(IReadOnlyList<T> items, int first, int count, Func<T, TSource> sourceOf, BatchBuffers buffers, CancellationToken cancellationToken)
        where TSource : struct, IPictureSource
    {
        Exception?[] failures = new Exception?[count];
        Parallel.For(0, count, row =>
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                Prepare(sourceOf(items[first + row]), buffers.Picture(row), cancellationToken);
            }
            catch (Exception error)
            {
                failures[row] = error;
            }
        });
        // The first in the order of the pictures, whichever failed first.
        if (Array.Find(failures, failure => failure is not null) is { } found)
            ExceptionDispatchInfo.Throw(found);
    }

    /// <summary>One pass over pictures of several requests, on the thread that forms batches, in buffers of its own.</summary>
    private void Compute(BatchBuffers buffers, IReadOnlyList<PreparedPicture> pictures)
    {
        for (int row = 0; row < pictures.Count; row++)
            pictures[row].Pixels.CopyTo(buffers.Picture(row));
        Pass(buffers.Pictures(pictures.Count), pictures.Count, buffers.Rows(pictures.Count));
        for (int row = 0; row < pictures.Count; row++)
            buffers.Rows(pictures.Count).Slice(row * Width, Width).CopyTo(pictures[row].Feature);
    }
}
