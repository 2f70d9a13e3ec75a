using Dino.Nn;
using Dino.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>
/// UMAP: places rows in the plane so that the graph of their neighbours is that of the rows, by attraction along its edges and repulsion from random points.
/// </summary>
/// <remarks>
/// McInnes et al. 2018; first places are the principal components. Steps are taken one after the other on one thread, because each moves two points: the result is the
/// same for any number of threads.
/// </remarks>
public sealed class Umap
{
    /// <summary>Half the side of the square in which points start.</summary>
    private const float Extent = 10;

    /// <summary>No step is longer in one coordinate, but for the learning rate.</summary>
    private const double LongestStep = 4;

    private readonly UmapOptions _options;
    private readonly DistanceCurve _curve;
    private readonly float[] _x, _y;
    private readonly int[] _from, _to;

    // Epochs between two uses of an edge, the next use, and the same for its negative samples.
    private readonly double[] _every, _next, _nextNegative;

    private Umap(AffinityGraph graph, float[] x, float[] y, UmapOptions options, int epochs)
    {
        (_options, _x, _y, _curve) = (options, x, y, DistanceCurve.Fit(options.MinDistance));
        double strongest = graph.Weights.Max();
        List<(int From, int To, double Every)> edges = new(graph.Columns.Length);
        for (int i = 0; i < graph.Count; i++)
        {
            for (int e = graph.Starts[i]; e < graph.Starts[i + 1]; e++)
            {
                // Weaker edges would not be used once.
                if (graph.Weights[e] >= strongest / epochs)
                    edges.Add((i, graph.Columns[e], strongest / graph.Weights[e]));
            }
        }

        (_from, _to, _every) = ([.. edges.Select(edge => edge.From)], [.. edges.Select(edge => edge.To)], [.. edges.Select(edge => edge.Every)]);
        _next = [.. _every];
        _nextNegative = [.. _every.Select(every => every / Math.Max(1, options.NegativeSamples))];
    }

    /// <summary>Places rows in the plane.</summary>
    /// <param name="device">Where neighbours are searched.</param>
    /// <param name="rows">[N, D], row-major, finite; compared by Euclidean distance, which for unit rows orders as the cosine does.</param>
    /// <param name="width">D.</param>
    /// <param name="options">Settings.</param>
    /// <param name="threads">Threads that compute beside the device; 0 for one per core.</param>
    /// <param name="progress">Reported after each epoch.</param>
    /// <param name="cancellationToken">Stops between epochs.</param>
    /// <exception cref="ArgumentException">Values that are no rows of this width or not finite, a number out of range, or too few rows for the neighbours.</exception>
    public static EmbeddingResult Run(Device device, ReadOnlySpan<float> rows, int width, UmapOptions? options = null, int threads = 0, IProgress<EmbeddingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new UmapOptions();
        options.Validate();
        PlaneStart.RequireRows("UMAP", rows, width);
        int count = rows.Length / width, epochs = options.Epochs ?? (count <= 10_000 ? 500 : 200);
        options.RequirePoints(count);
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads > 0 ? threads : -1, CancellationToken = cancellationToken };
        float[] values = rows.ToArray();
        AffinityGraph graph = FuzzyGraph.Of(NearestRows.Find(device, values, width, options.Neighbours - 1, parallel), parallel);
        (float[] x, float[] y) = PlaneStart.Of(values, width, new RandomKey(options.Seed, C: RandomPurpose.Projection), noise: 1e-4, parallel);
        float scale = Extent / Math.Max(float.Epsilon, Math.Max(x.Max(Math.Abs), y.Max(Math.Abs)));
        for (int i = 0; i < count; i++)
            (x[i], y[i]) = (scale * x[i], scale * y[i]);
        Umap embedding = new(graph, x, y, options, epochs);
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            embedding.Epoch(epoch, options.LearningRate * (1 - ((double)epoch / epochs)));
            progress?.Report(new EmbeddingProgress(epoch + 1, epochs));
        }

        return new EmbeddingResult(x, y, epochs, null);
    }

    private void Epoch(int epoch, double rate)
    {
        CounterRandom random = new(new RandomKey(_options.Seed, (uint)epoch + 1, C: RandomPurpose.Projection));
        for (int e = 0; e < _from.Length; e++)
        {
            if (_next[e] > epoch)
                continue;
            (int i, int j) = (_from[e], _to[e]);
            Attract(i, j, rate);
            _next[e] += _every[e];
            double every = _every[e] / Math.Max(1, _options.NegativeSamples);
            int samples = _options.NegativeSamples == 0 ? 0 : Math.Max(0, (int)((epoch - _nextNegative[e]) / every));
            for (int s = 0; s < samples; s++)
                Repel(i, random.NextInt(0, _x.Length), rate);
            _nextNegative[e] += samples * every;
        }
    }

    private void Attract(int i, int j, double rate)
    {
        (double dx, double dy) = (_x[i] - _x[j], _y[i] - _y[j]);
        double square = (dx * dx) + (dy * dy);
        if (square == 0)
            return;
        double power = Math.Pow(square, _curve.B), pull = -2 * _curve.A * _curve.B * power / (square * (1 + (_curve.A * power)));
        (float stepX, float stepY) = (Clipped(pull * dx, rate), Clipped(pull * dy, rate));
        (_x[i], _y[i], _x[j], _y[j]) = (_x[i] + stepX, _y[i] + stepY, _x[j] - stepX, _y[j] - stepY);
    }

    private void Repel(int i, int j, double rate)
    {
        (double dx, double dy) = (_x[i] - _x[j], _y[i] - _y[j]);
        double square = (dx * dx) + (dy * dy);
        if (i == j || square == 0)
            return;
        // The small number bounds the push of points that nearly coincide.
        double push = 2 * _curve.B / ((0.001 + square) * (1 + (_curve.A * Math.Pow(square, _curve.B))));
        (_x[i], _y[i]) = (_x[i] + Clipped(push * dx, rate), _y[i] + Clipped(push * dy, rate));
    }

    private static float Clipped(double step, double rate) => (float)(rate * Math.Clamp(step, -LongestStep, LongestStep));
}
