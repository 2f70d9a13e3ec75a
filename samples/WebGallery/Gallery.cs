using System.Numerics.Tensors;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;

namespace Dino.Samples.WebGallery;

/// <summary>The pictures of a folder and their features.</summary>
internal sealed class Gallery
{
    private readonly FeatureSet? _features;
    private readonly GalleryPicture[] _pictures = [];

    /// <summary>Computes the features of a folder.</summary>
    /// <exception cref="IOException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no picture.</exception>
    public Gallery(ImageEmbedder embedder, GalleryOptions options, ILogger<Gallery> logger)
    {
        if (options.Gallery is null)
            return;
        ImageFolder folder = ImageFolder.Open(options.Gallery);
        logger.Opening(folder.Count, folder.Path);
        _features = FeatureSet.OfModel(embedder.Model, folder);
        _pictures = [.. _features.Paths.Select((path, id) => new GalleryPicture(id, Path.GetRelativePath(folder.Path, path).Replace('\\', '/')))];
        foreach (SkippedPicture skipped in _features.Skipped)
            logger.Skipped(skipped.Path, skipped.Reason);
    }

    /// <summary>Number of pictures.</summary>
    public int Count => _pictures.Length;

    /// <summary>Some pictures from all over the gallery.</summary>
    public IReadOnlyList<GalleryPicture> Examples(int count) => [.. Enumerable.Range(0, Math.Min(count, Count)).Select(i => _pictures[(int)((long)i * Count / count)])];

    /// <summary>The file of a picture, null if there is no such picture.</summary>
    public string? FileOf(int id) => id >= 0 && id < Count ? _features!.Paths[id] : null;

    /// <summary>The pictures most like a feature of length 1, most similar first.</summary>
    public IReadOnlyList<Match> Nearest(float[] feature, int count)
    {
        float[] cosines = [.. Enumerable.Range(0, Count).Select(id => TensorPrimitives.Dot<float>(feature, _features!.Values.AsSpan(id * feature.Length, feature.Length)))];
        return [.. _pictures.OrderByDescending(picture => cosines[picture.Id]).Take(count).Select(picture => new Match(picture.Id, picture.Name, cosines[picture.Id]))];
    }
}
