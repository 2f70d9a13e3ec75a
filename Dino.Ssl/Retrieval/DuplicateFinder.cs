using System.Numerics.Tensors;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Ssl.Retrieval;

/// <summary>
/// Finds near-duplicates: pictures that were re-encoded, resized or slightly cropped. Features and coarse pixels propose, finer pixels decide, so that it takes no good
/// network, and none at all, to be right about distinct pictures. Results do not depend on the number of threads.
/// </summary>
/// <remarks>
/// Memory: a thumbnail of 4.6 KB, and twice a coarse row of 768 bytes and a feature per picture; no list of pairs. Each picture is compared with a fixed number of others, and then the best of a set with all others of it. Pairs that
/// are copies unite groups, and in each group the best picture keeps those that are copies of itself: what is called a copy was compared with the picture that stays.
/// </remarks>
public sealed class DuplicateFinder
{
    private const int BlockRows = 1024;

    /// <summary>Root mean squared differences of coarse pictures, in grey levels, beyond which a finer look is not worth while: copies reach 13, crops 35.</summary>
    private const double CopyDistance = 20, CropDistance = 45;

    private readonly Device _device;
    private readonly DuplicateOptions _options;
    private readonly ThumbnailSet _pictures;
    private readonly float[] _coarse;

    private DuplicateFinder(Device device, DuplicateOptions options, ThumbnailSet pictures) => (_device, _options, _pictures, _coarse) = (device, options, pictures, pictures.Coarse());

    /// <summary>Looks through a folder.</summary>
    /// <param name="device">Where to compare rows.</param>
    /// <param name="folder">The pictures.</param>
    /// <param name="options">What counts.</param>
    /// <param name="features">Their features, normalised, by path: they propose pairs too, which helps with crops. None if null; pictures without one are proposed by pixels only.</param>
    /// <param name="progress">Pictures read, then pictures compared.</param>
    /// <param name="cancellationToken">Stops soon.</param>
    /// <exception cref="InvalidDataException">No picture of the folder can be decoded.</exception>
    public static DuplicateReport Find(Device device, ImageFolder folder, DuplicateOptions? options = null, FeatureSet? features = null, IProgress<RetrievalProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new DuplicateOptions();
        options.Validate();
        ThumbnailSet pictures = ThumbnailSet.Of(folder, Parallelism(device, cancellationToken), progress);
        if (pictures.Count == 0)
            throw new InvalidDataException($"None of the {folder.Count} pictures in '{folder.Path}' can be decoded. The first: {pictures.Skipped.First().Path}: {pictures.Skipped.First().Reason}");
        DuplicateFinder finder = new(device, options, pictures);
        DisjointSets sets = finder.Unite(features, progress, cancellationToken);
        return new DuplicateReport(finder.Groups(sets, cancellationToken), pictures.Count, pictures.Skipped);
    }

    /// <summary>As many threads as the device has, where it has some.</summary>
    private static ParallelOptions Parallelism(Device device, CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = device is CpuDevice cpu ? cpu.Threads : -1, CancellationToken = cancellationToken };

    private DisjointSets Unite(FeatureSet? features, IProgress<RetrievalProgress>? progress, CancellationToken cancellationToken)
    {
        DisjointSets sets = new(_pictures.Count);
        StageProgress stage = new(progress, "pictures compared", _pictures.Count);
        ParallelOptions parallel = Parallelism(_device, cancellationToken);
        // One more than candidates: each row is nearest to itself.
        int k = Math.Min(_options.Candidates + 1, _pictures.Count);
        using EuclideanSearch byPixels = new(_device, _coarse, Thumbnail.CoarseLength);
        using EuclideanSearch? byFeatures = features is null ? null : new EuclideanSearch(_device, Align(features), features.Width);
        for (int start = 0; start < _pictures.Count; start += BlockRows)
        {
            int rows = Math.Min(BlockRows, _pictures.Count - start);
            int[] near = byPixels.Of(start, rows, k), alike = byFeatures?.Of(start, rows, k) ?? [];
            int[][] copies = new int[rows][];
            Parallel.For(0, rows, parallel, () => new ThumbnailComparison(), (row, _, comparison) =>
            {
                IEnumerable<int> others = near.AsSpan(row * k, k).ToArray().Concat(byFeatures is null ? [] : alike.AsSpan(row * k, k).ToArray()).Distinct();
                copies[row] = [.. others.Where(other => other != start + row && Compare(comparison, start + row, other).Similarity >= _options.Threshold)];
                return comparison;
            }, _ => { });
            foreach ((int row, int[] others) in copies.Index())
            {
                foreach (int other in others)
                    sets.Unite(start + row, other);
            }

            stage.Report(start + rows);
        }

        return sets;
    }

    /// <summary>Groups of two and more, the best picture first. A picture that is no copy of it, though of another copy, makes a group with others like it or none.</summary>
    private List<IReadOnlyList<DuplicatePicture>> Groups(DisjointSets sets, CancellationToken cancellationToken)
    {
        ThumbnailComparison comparison = new();
        List<IReadOnlyList<DuplicatePicture>> groups = [];
        foreach (IGrouping<int, int> set in Enumerable.Range(0, _pictures.Count).GroupBy(sets.Find))
        {
            List<int> left = [.. set];
            left.Sort(CompareQuality);
            while (left.Count > 1)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int best = left[0];
                List<DuplicatePicture> group = [Describe(best, 1, isCrop: false)];
                left.RemoveAll(other =>
                {
                    (double similarity, bool isCrop) = other == best ? (0, false) : Compare(comparison, best, other);
                    if (similarity >= _options.Threshold)
                        group.Add(Describe(other, similarity, isCrop));
                    return other == best || similarity >= _options.Threshold;
                });
                if (group.Count > 1)
                    groups.Add(group);
            }
        }

        groups.Sort((first, second) => string.CompareOrdinal(first[0].Path, second[0].Path));
        return groups;
    }

    private (double Similarity, bool IsCrop) Compare(ThumbnailComparison comparison, int first, int second)
    {
        // The map of a crop is sought from the smaller to the larger picture, whoever asks.
        if (CompareQuality(first, second) > 0)
            (first, second) = (second, first);
        double distance = Math.Sqrt(SquaredDistance(first, second) / Thumbnail.CoarseLength);
        if (distance > CropDistance)
            return (0, false);
        (Thumbnail a, Thumbnail b) = (_pictures.Thumbnails[first], _pictures.Thumbnails[second]);
        double similarity = distance > CopyDistance ? 0 : comparison.Similarity(a, b);
        if (similarity >= _options.Threshold || !_options.Crops)
            return (similarity, false);
        double cropped = comparison.CropSimilarity(a, b);
        return cropped > similarity ? (cropped, true) : (similarity, false);
    }

    private float SquaredDistance(int first, int second)
    {
        float distance = TensorPrimitives.Distance(Row(first), Row(second));
        return distance * distance;
        ReadOnlySpan<float> Row(int index) => _coarse.AsSpan(index * Thumbnail.CoarseLength, Thumbnail.CoarseLength);
    }

    /// <summary>The order of the pictures from the best on: more pixels, then more bytes, then earlier in the folder.</summary>
    private int CompareQuality(int first, int second)
    {
        (Thumbnail a, Thumbnail b) = (_pictures.Thumbnails[first], _pictures.Thumbnails[second]);
        int order = ((long)b.Width * b.Height).CompareTo((long)a.Width * a.Height);
        order = order != 0 ? order : _pictures.Bytes[second].CompareTo(_pictures.Bytes[first]);
        return order != 0 ? order : first.CompareTo(second);
    }

    private DuplicatePicture Describe(int index, double similarity, bool isCrop) =>
        new(_pictures.Paths[index], _pictures.Thumbnails[index].Width, _pictures.Thumbnails[index].Height, _pictures.Bytes[index], similarity, isCrop);

    /// <summary>Features in the order of the pictures; zeros, far from every unit vector, for those that have none.</summary>
    private float[] Align(FeatureSet features)
    {
        Dictionary<string, int> rows = features.Paths.Index().ToDictionary(item => Path.GetFullPath(item.Item), item => item.Index, StringComparer.Ordinal);
        float[] aligned = new float[(long)_pictures.Count * features.Width];
        for (int i = 0; i < _pictures.Count; i++)
        {
            if (rows.TryGetValue(_pictures.Paths[i], out int row))
                features.Values.AsSpan(row * features.Width, features.Width).CopyTo(aligned.AsSpan(i * features.Width));
        }

        return aligned;
    }
}
