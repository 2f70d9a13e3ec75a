using Dino.Nn;
using Dino.Tensors;

namespace Dino.Ssl.Projection;

/// <summary>
/// t-SNE: places rows in the plane so that those which are neighbours among the rows are neighbours there. Results do not depend on the number of threads.
/// </summary>
/// <remarks>
/// Van der Maaten and Hinton 2008; Barnes-Hut as in van der Maaten 2014; first places, learning rate, momentum and gains as in scikit-learn. What lies far apart in
/// the plane says little about how far it is among the rows, and sizes of clusters say nothing.
/// </remarks>
public sealed class Tsne
{
    /// <summary>Up to so many points every pair repels on its own: with vectors that takes no longer than trees do.</summary>
    public const int MostExactPoints = 8192;

    /// <summary>Up to so many points every pair has a probability of its own.</summary>
    public const int MostDensePoints = 1024;

    /// <summary>Points of a task.</summary>
    private const int Block = 256;

    private readonly AffinityGraph _graph;
    private readonly TsneOptions _options;
    private readonly ParallelOptions _parallel;
    private readonly Repulsion _repulsion;
    private readonly float[] _x, _y, _forceX, _forceY;
    private readonly float[] _speedX, _speedY, _gainX, _gainY;
    private readonly float _rate;

    private Tsne(AffinityGraph graph, float[] x, float[] y, TsneOptions options, ParallelOptions parallel)
    {
        (_graph, _options, _parallel, _x, _y) = (graph, options, parallel, x, y);
        int count = graph.Count;
        _repulsion = new Repulsion(count, (float)(options.Angle ?? (count <= MostExactPoints ? 0 : 0.5)), parallel);
        (_forceX, _forceY, _speedX, _speedY) = (new float[count], new float[count], new float[count], new float[count]);
        (_gainX, _gainY) = (new float[count], new float[count]);
        _gainX.AsSpan().Fill(1);
        _gainY.AsSpan().Fill(1);
        _rate = (float)(options.LearningRate ?? Math.Max(50, count / options.EarlyExaggeration / 4));
    }

    /// <summary>Places rows in the plane.</summary>
    /// <param name="device">Where neighbours are searched.</param>
    /// <param name="rows">[N, D], row-major, finite; compared by Euclidean distance, which for unit rows orders as the cosine does.</param>
    /// <param name="width">D.</param>
    /// <param name="options">Settings.</param>
    /// <param name="threads">Threads that compute beside the device; 0 for one per core.</param>
    /// <param name="progress">Reported after each iteration.</param>
    /// <param name="cancellationToken">Stops between iterations.</param>
    /// <exception cref="ArgumentException">Values that are no rows of this width or not finite, a number out of range, or too few rows for the perplexity.</exception>
    public static EmbeddingResult Run(Device device, ReadOnlySpan<float> rows, int width, TsneOptions? options = null, int threads = 0, IProgress<EmbeddingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options ??= new TsneOptions();
        options.Validate();
        PlaneStart.RequireRows("t-SNE", rows, width);
        int count = rows.Length / width;
        options.RequirePoints(count);
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = threads > 0 ? threads : -1, CancellationToken = cancellationToken };
        float[] values = rows.ToArray();
        (float[] x, float[] y) = PlaneStart.Of(values, width, new RandomKey(options.Seed, C: RandomPurpose.Projection), noise: 0.01, parallel);
        // So small that all points begin as neighbours.
        for (int i = 0; i < count; i++)
            (x[i], y[i]) = (1e-4f * x[i], 1e-4f * y[i]);
        AffinityGraph graph = Probabilities(device, values, width, options, parallel);
        return new Tsne(graph, x, y, options, parallel).Run(progress, cancellationToken);
    }

    /// <summary>The joint probabilities of the rows.</summary>
    internal static AffinityGraph Probabilities(Device device, float[] rows, int width, TsneOptions options, ParallelOptions parallel)
    {
        int count = rows.Length / width;
        int neighbours = options.Neighbours ?? (count <= MostDensePoints ? count - 1 : (int)(3 * options.Perplexity));
        return JointProbabilities.Of(NearestRows.Find(device, rows, width, Math.Min(count - 1, neighbours), parallel), options.Perplexity, parallel);
    }

    private EmbeddingResult Run(IProgress<EmbeddingProgress>? progress, CancellationToken cancellationToken)
    {
        int exploration = Math.Min(250, Math.Max(1, _options.Iterations / 4));
        for (int iteration = 0; iteration < _options.Iterations; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool explores = iteration < exploration;
            double sum = _repulsion.Compute(_x, _y, _forceX, _forceY);
            Step((float)(1 / sum), explores ? (float)_options.EarlyExaggeration : 1, explores ? 0.5f : 0.8f);
            progress?.Report(new EmbeddingProgress(iteration + 1, _options.Iterations));
        }

        return new EmbeddingResult(_x, _y, _options.Iterations, Divergence());
    }

    /// <summary>Turns repulsion into the gradient and moves the points.</summary>
    private void Step(float scale, float exaggeration, float momentum)
    {
        int tasks = (_x.Length + Block - 1) / Block;
        Parallel.For(0, tasks, _parallel, task =>
        {
            // Every gradient is taken before any point moves.
            for (int i = task * Block; i < Math.Min(_x.Length, (task + 1) * Block); i++)
            {
                (float attractionX, float attractionY) = Attraction(i);
                _forceX[i] = 4 * ((exaggeration * attractionX) - (scale * _forceX[i]));
                _forceY[i] = 4 * ((exaggeration * attractionY) - (scale * _forceY[i]));
            }
        });
        for (int i = 0; i < _x.Length; i++)
        {
            Move(ref _x[i], ref _speedX[i], ref _gainX[i], _forceX[i], momentum);
            Move(ref _y[i], ref _speedY[i], ref _gainY[i], _forceY[i], momentum);
        }
    }

    private (float X, float Y) Attraction(int i)
    {
        (float px, float py, float sumX, float sumY) = (_x[i], _y[i], 0, 0);
        ReadOnlySpan<int> others = _graph.Columns.AsSpan(_graph.Starts[i].._graph.Starts[i + 1]);
        ReadOnlySpan<float> weights = _graph.Weights.AsSpan(_graph.Starts[i].._graph.Starts[i + 1]);
        for (int e = 0; e < others.Length; e++)
        {
            (float dx, float dy) = (px - _x[others[e]], py - _y[others[e]]);
            float pull = weights[e] / (1 + (dx * dx) + (dy * dy));
            (sumX, sumY) = (sumX + (pull * dx), sumY + (pull * dy));
        }

        return (sumX, sumY);
    }

    /// <summary>Momentum with gains: steps grow while the gradient keeps its sign and shrink when it turns (Jacobs 1988).</summary>
    private void Move(ref float place, ref float speed, ref float gain, float gradient, float momentum)
    {
        gain = speed * gradient < 0 ? gain + 0.2f : Math.Max(0.01f, gain * 0.8f);
        speed = (momentum * speed) - (_rate * gain * gradient);
        place += speed;
    }

    /// <summary>Σ p log(p / q), of the probabilities that are not zero.</summary>
    private double Divergence()
    {
        double total = _repulsion.Compute(_x, _y, _forceX, _forceY), divergence = 0;
        for (int i = 0; i < _x.Length; i++)
        {
            for (int e = _graph.Starts[i]; e < _graph.Starts[i + 1]; e++)
            {
                double p = _graph.Weights[e], dx = _x[i] - _x[_graph.Columns[e]], dy = _y[i] - _y[_graph.Columns[e]];
                if (p > 0)
                    divergence += p * Math.Log(p * total * (1 + (dx * dx) + (dy * dy)));
            }
        }

        return divergence;
    }
}
