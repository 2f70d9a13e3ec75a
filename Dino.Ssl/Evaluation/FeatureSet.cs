using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>Features of a folder of pictures.</summary>
/// <param name="Values">[N, D], row-major.</param>
/// <param name="Width">D.</param>
/// <param name="Labels">Class of each picture, -1 without classes.</param>
/// <param name="Paths">File of each picture.</param>
/// <param name="Classes">Names of the classes.</param>
/// <param name="Skipped">Files that could not be used; they have no row.</param>
public sealed record FeatureSet(float[] Values, int Width, int[] Labels, string[] Paths, IReadOnlyList<string> Classes, IReadOnlyCollection<SkippedPicture> Skipped)
{
    /// <summary>N.</summary>
    public int Count => Labels.Length;

    /// <summary>Features of every usable picture of a folder: of a vision transformer, its CLS token.</summary>
    /// <param name="model">Backbone and preprocessing.</param>
    /// <param name="folder">The pictures.</param>
    /// <param name="preprocessing">What the network sees of them; the model's own unless given.</param>
    /// <param name="normalize">L2-normalise each row, as k-NN needs.</param>
    /// <param name="batch">Pictures at a time.</param>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static FeatureSet OfModel(LoadedModel model, ImageFolder folder, Preprocessing? preprocessing = null, bool normalize = true, int batch = 64, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return OfModel(new FeatureExtractor(model, normalize: normalize), folder, preprocessing ?? model.Preprocessing, batch, progress, cancellationToken);
    }

    /// <summary>Features of every usable picture of a folder.</summary>
    /// <param name="extractor">Which features of which network.</param>
    /// <param name="folder">The pictures.</param>
    /// <param name="preprocessing">What the network sees of them.</param>
    /// <param name="batch">Pictures at a time.</param>
    /// <param name="progress">Pictures done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static FeatureSet OfModel(FeatureExtractor extractor, ImageFolder folder, Preprocessing preprocessing, int batch = 64, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        (int size, int channels) = (preprocessing.Size, preprocessing.Channels);
        return Collect(folder, new EvaluationTransform(preprocessing), batch, extractor.Width, (pixels, count, destination) => extractor.Extract(pixels, [count, channels, size, size], destination), progress, cancellationToken);
    }

    /// <summary>The feature of one picture.</summary>
    public static FeatureSet OfImage(LoadedModel model, Image image, string path, Preprocessing? preprocessing = null, bool normalize = true)
    {
        ArgumentNullException.ThrowIfNull(model);
        return OfImage(new FeatureExtractor(model, normalize: normalize), image, path, preprocessing ?? model.Preprocessing);
    }

    /// <summary>The feature of one picture.</summary>
    /// <param name="extractor">Which feature of which network.</param>
    /// <param name="image">The picture.</param>
    /// <param name="path">What it is called in the set.</param>
    /// <param name="preprocessing">What the network sees of it.</param>
    public static FeatureSet OfImage(FeatureExtractor extractor, Image image, string path, Preprocessing preprocessing)
    {
        (int size, int channels) = (preprocessing.Size, preprocessing.Channels);
        float[] pixels = new float[channels * size * size], feature = new float[extractor.Width];
        new EvaluationTransform(preprocessing).CreateWriter().Write(image, 0, default, pixels);
        extractor.Extract(pixels, [1, channels, size, size], feature);
        return new FeatureSet(feature, extractor.Width, [-1], [path], [], []);
    }

    /// <summary>The normalised pixels themselves, L2-normalised: what features have to beat.</summary>
    public static FeatureSet OfPixels(Device device, ImageFolder folder, Preprocessing preprocessing, int batch = 64, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        int width = preprocessing.Channels * preprocessing.Size * preprocessing.Size;
        return Collect(folder, new EvaluationTransform(preprocessing), batch, width, (pixels, count, destination) =>
        {
            using Scope scope = device.OpenScope(GradMode.Off);
            scope.Upload(pixels, [count, width]).Normalize().Read(destination);
        }, progress, cancellationToken);
    }

    private static FeatureSet Collect(ImageFolder folder, EvaluationTransform transform, int batchSize, int width, BatchComputation compute, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        float[] values = new float[(long)folder.Count * width];
        int[] labels = new int[folder.Count];
        string[] paths = new string[folder.Count];
        int kept = 0;
        IReadOnlyCollection<SkippedPicture> skipped = FolderPass.Run(folder, transform, batchSize, width, compute, (index, row) =>
        {
            row.CopyTo(values.AsSpan(kept * width));
            (labels[kept], paths[kept]) = (folder.Samples[index].Class, folder.Samples[index].Path);
            kept++;
        }, null, progress, cancellationToken);
        return new FeatureSet(values[..(kept * width)], width, labels[..kept], paths[..kept], folder.Classes, skipped);
    }
}
