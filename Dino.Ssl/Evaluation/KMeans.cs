using System.Runtime.InteropServices;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>k-means clustering by Lloyd's iteration, of distances or of directions. Results do not depend on the number of threads.</summary>
/// <remarks>
/// Lloyd 1982; first centres by k-means++ (Arthur and Vassilvitskii 2007) with the best of several candidates at each step; spherical k-means as in Dhillon
/// and Modha 2001. Rows are compared in F32, sums and means are taken in double precision in the order of the rows.
/// </remarks>
public sealed class KMeans : IDisposable
{
    private readonly Device _device;
    private readonly KMeansOptions _options;
    private readonly int _width, _count;
    private readonly float[] _features;
    private readonly double[] _squares;
    private readonly TensorStore _rows;
    private readonly float[] _similarities;
    private readonly int[] _nearest;

    private KMeans(Device device, ReadOnlySpan<float> features, int width, KMeansOptions options)
    {
        (_device, _options, _width, _count) = (device, options, width, features.Length / width);
        _features = features.ToArray();
        (_similarities, _nearest) = (new float[_count], new int[_count]);
        _squares = RowMath.Squares(_features, width);
        _rows = new TensorStore(device, [[_count, width]], withGradients: false, isCleared: false);
        device.Backend.Upload(MemoryMarshal.AsBytes(features), _rows[0].View);
    }

    /// <summary>Clusters the rows of a matrix.</summary>
    /// <param name="device">Where to compare rows with centres.</param>
    /// <param name="features">[N, D], row-major, finite.</param>
    /// <param name="width">D.</param>
    /// <param name="options">How many clusters, and of what.</param>
    /// <param name="centres">[k, D] to start from; found by k-means++ if empty.</param>
    /// <param name="progress">Reported after each assignment.</param>
    /// <param name="cancellationToken">Stops between assignments.</param>
    /// <exception cref="ArgumentException">Fewer rows than clusters, lengths that do not fit, values that are not finite.</exception>
    public static KMeansResult Run(Device device, ReadOnlySpan<float> features, int width, KMeansOptions options, ReadOnlySpan<float> centres = default, IProgress<KMeansProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (features.Length % width != 0 || features.Length / width < options.Clusters)
            throw new ArgumentException($"k-means: {features.Length} values are not {options.Clusters} rows of {width} or more.", nameof(features));
        if (!centres.IsEmpty && centres.Length != options.Clusters * width)
            throw new ArgumentException($"k-means: {centres.Length} values are not {options.Clusters} centres of width {width}.", nameof(centres));
        if (!RowMath.AreFinite(features) || !RowMath.AreFinite(centres))
            throw new ArgumentException("k-means: the features and centres must be finite.", nameof(features));
        using KMeans clustering = new(device, features, width, options);
        return clustering.Run(centres, progress, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _rows.Dispose();

    private KMeansResult Run(ReadOnlySpan<float> start, IProgress<KMeansProgress>? progress, CancellationToken cancellationToken)
    {
        float[] centres = start.IsEmpty ? new KMeansSeeding(_device, _rows[0], _features, _squares, _options).Choose(cancellationToken) : start.ToArray();
        if (_options.IsSpherical)
            RowMath.Normalize(centres, _width);
        int[] labels = new int[_count], counts = new int[_options.Clusters];
        labels.AsSpan().Fill(-1);
        int iteration = 0, changed = 1;
        while (changed > 0 && iteration < _options.MaxIterations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Compare(centres);
            changed = Adopt(labels, counts) + FillEmpty(labels, counts);
            iteration++;
            progress?.Report(new KMeansProgress(iteration, changed));
            if (changed > 0)
                RowMath.Means(_features, _width, labels, counts, centres, _options.IsSpherical);
        }

        if (changed > 0)
        {
            Compare(centres);
            Adopt(labels, counts);
        }

        return new KMeansResult(centres, labels, Inertia(centres, labels), iteration, changed == 0);
    }

    /// <summary>The nearest centre of each row: the largest x · c - ½‖c‖², and of directions the largest x · c.</summary>
    private void Compare(float[] centres)
    {
        using Scope scope = _device.OpenScope(GradMode.Off);
        Tensor points = scope.Upload(centres, [_options.Clusters, _width]), offsets = default;
        if (!_options.IsSpherical)
            offsets = scope.Upload<float>([.. RowMath.Squares(centres, _width).Select(square => (float)(-0.5 * square))], [_options.Clusters]);
        _rows[0].TopProducts(points, 1, out Tensor indices, offsets).Read(_similarities);
        _device.Backend.Download(indices.View, MemoryMarshal.AsBytes(_nearest.AsSpan()));
    }

    /// <summary>Takes over the comparison; counts the rows that changed and those of each cluster.</summary>
    private int Adopt(int[] labels, int[] counts)
    {
        int changed = 0;
        Array.Clear(counts);
        for (int i = 0; i < labels.Length; i++)
        {
            changed += labels[i] == _nearest[i] ? 0 : 1;
            counts[labels[i] = _nearest[i]]++;
        }

        return changed;
    }

    /// <summary>Gives each empty cluster the row that is farthest from its centre, of equal ones the first, unless every row lies on its centre.</summary>
    private int FillEmpty(int[] labels, int[] counts)
    {
        int moved = 0;
        for (int cluster = 0; cluster < counts.Length; cluster++)
        {
            if (counts[cluster] > 0)
                continue;
            int farthest = -1;
            // Below this a distance is what rounding left of none.
            double largest = 0;
            for (int i = 0; i < labels.Length; i++)
            {
                double distance = Distance(i) - (1e-5 * Math.Max(_squares[i], 1e-30));
                if (counts[labels[i]] > 1 && distance > largest)
                    (farthest, largest) = (i, distance);
            }

            if (farthest < 0)
                return moved;
            counts[labels[farthest]]--;
            counts[labels[farthest] = cluster] = 1;
            moved++;
        }

        return moved;
    }

    /// <summary>Squared distance of a row to its nearest centre, or 1 less their cosine, from the comparison.</summary>
    private double Distance(int row) => _options.IsSpherical ? _squares[row] - _similarities[row] : _squares[row] - (2.0 * _similarities[row]);

    private double Inertia(float[] centres, int[] labels)
    {
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> row = _features.AsSpan(i * _width, _width), centre = centres.AsSpan(labels[i] * _width, _width);
            sum += _options.IsSpherical ? 1 - RowMath.Dot(row, centre) : RowMath.SquaredDistance(row, centre);
        }

        return sum;
    }
}
