using System.Text.Json;
using Dino.Ssl.Projection;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Projection;

/// <summary>t-SNE against scikit-learn: its probabilities, and how well the plane keeps them.</summary>
public class TsneTests
{
    private static readonly ParallelOptions s_parallel = new();

    public static TheoryData<string> Cases => FixtureStore.Cases("g_eval", name => name.StartsWith("cluster_", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Joint_probabilities_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        JsonElement tolerance = golden.Json.GetProperty("tolerances").GetProperty("out.tsne_P");
        (double rtol, double atol) = (tolerance.GetProperty("rtol").GetDouble(), tolerance.GetProperty("atol").GetDouble());
        double[] expected = golden.Doubles("out.tsne_P");
        int count = golden.Shape("out.tsne_P")[0];
        AffinityGraph graph = Tsne.Probabilities(CpuDevice.Shared, golden.Singles("in.x"), golden.Shape("in.x")[1], new TsneOptions { Perplexity = Perplexity(golden) }, s_parallel);
        Assert.Equal(count * (count - 1), graph.Columns.Length);
        for (int i = 0; i < count; i++)
        {
            for (int e = graph.Starts[i]; e < graph.Starts[i + 1]; e++)
            {
                double wanted = expected[(i * count) + graph.Columns[e]];
                Assert.InRange(graph.Weights[e], wanted - atol - (rtol * wanted), wanted + atol + (rtol * wanted));
            }
        }
    }

    /// <summary>With all probabilities and every pair, and with those of near neighbours and the tree.</summary>
    [FixtureTheory, MemberData(nameof(Cases))]
    public void The_divergence_is_as_low_as_that_of_the_reference(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        double reached = golden.Config.GetProperty("tsne").GetProperty("kl_sklearn_three_runs").EnumerateArray().Max(run => run.GetDouble());
        TsneOptions options = new() { Perplexity = Perplexity(golden), Iterations = 750 };
        EmbeddingResult Run(TsneOptions how) => Tsne.Run(CpuDevice.Shared, golden.Singles("in.x"), golden.Shape("in.x")[1], how);
        Assert.InRange(Run(options).Divergence!.Value, 0, 1.15 * reached);
        Assert.InRange(Run(options with { Angle = 0.5 }).Divergence!.Value, 0, 1.15 * reached);
    }

    [Fact]
    public void Probabilities_of_near_neighbours_are_symmetric_and_sum_to_one()
    {
        AffinityGraph graph = Tsne.Probabilities(CpuDevice.Shared, Blobs.Draw(4, 40, 5), 5, new TsneOptions { Perplexity = 8, Neighbours = 24 }, s_parallel);
        Assert.Equal(1, graph.Weights.Sum(weight => (double)weight), 1e-6);
        Dictionary<(int, int), float> entries = [];
        for (int i = 0; i < graph.Count; i++)
        {
            for (int e = graph.Starts[i]; e < graph.Starts[i + 1]; e++)
                entries.Add((i, graph.Columns[e]), graph.Weights[e]);
        }

        Assert.All(entries, entry => Assert.Equal(entry.Value, entries[(entry.Key.Item2, entry.Key.Item1)]));
        Assert.All(entries.Keys, pair => Assert.NotEqual(pair.Item1, pair.Item2));
    }

    [Theory, InlineData(300, 11), InlineData(300, 299), InlineData(40, 3)]
    public void Neighbours_are_the_nearest_rows(int count, int k)
    {
        float[] rows = [.. Blobs.Draw(1, count, 6)];
        // Some rows are equal: none is its own neighbour nonetheless.
        rows.AsSpan(0, 6).CopyTo(rows.AsSpan(6 * 7));
        rows.AsSpan(0, 6).CopyTo(rows.AsSpan(6 * 9));
        NearestRows found = NearestRows.Find(CpuDevice.Shared, rows, 6, k, s_parallel);
        for (int i = 0; i < count; i++)
        {
            double[] distances = [.. Enumerable.Range(0, count).Where(j => j != i).Select(j => Enumerable.Range(0, 6).Sum(d => Math.Pow((double)rows[(6 * i) + d] - rows[(6 * j) + d], 2))).Order().Take(k)];
            Assert.DoesNotContain(i, found.Indices[(i * k)..((i + 1) * k)]);
            // The search is in F32: of two rows at nearly the same distance it may take the wrong one.
            for (int j = 0; j < k; j++)
                Assert.Equal(distances[j], found.Squares[(i * k) + j], 1e-4);
        }
    }

    [Fact]
    public void The_tree_pushes_as_every_pair_does()
    {
        Random random = new(6);
        (float[] x, float[] y) = ([.. Enumerable.Range(0, 3000).Select(_ => (float)(20 * random.NextDouble()))], [.. Enumerable.Range(0, 3000).Select(_ => (float)(5 * random.NextDouble()))]);
        // Coincident points, more than a leaf holds.
        x.AsSpan(100, 40).Fill(3);
        y.AsSpan(100, 40).Fill(1);
        (double sum, float[] forceX, float[] forceY) = Push(x, y, 0);
        foreach ((float angle, double bound) in ((float, double)[])[(0.5f, 0.02), (0.1f, 1e-3)])
        {
            (double near, float[] nearX, float[] nearY) = Push(x, y, angle);
            // Of an accepted square the error is about the square of its relative size, half the angle at most, and most of it cancels.
            Assert.InRange(near, sum * (1 - bound), sum * (1 + bound));
            double miss = Enumerable.Range(0, x.Length).Sum(i => Square(nearX[i] - forceX[i]) + Square(nearY[i] - forceY[i]));
            Assert.InRange(Math.Sqrt(miss / Enumerable.Range(0, x.Length).Sum(i => Square(forceX[i]) + Square(forceY[i]))), 0, bound);
        }

        Assert.Equal(0, forceX.Sum(), 0.5);
    }

    [Theory, InlineData(0.0), InlineData(0.5)]
    public void Groups_stay_together_whatever_the_threads(double angle)
    {
        float[] rows = Blobs.Draw(6, 50, 8);
        TsneOptions options = new() { Perplexity = 15, Iterations = 200, Angle = angle, Neighbours = angle == 0 ? null : 45 };
        EmbeddingResult[] results = [.. new[] { 1, 3 }.Select(threads =>
        {
            using CpuDevice device = new(threads);
            return Tsne.Run(device, rows, 8, options, threads);
        })];
        Assert.Equal(results[0].X, results[1].X);
        Assert.Equal(results[0].Y, results[1].Y);
        Assert.Equal(results[0].Divergence, results[1].Divergence);
        Assert.Equal(1, Blobs.Kept(results[0].X, results[0].Y, 50));
    }

    [Fact]
    public void Equal_rows_are_parted_and_progress_is_told()
    {
        List<EmbeddingProgress> steps = [];
        EmbeddingResult result = Tsne.Run(CpuDevice.Shared, new float[60], 3, new TsneOptions { Perplexity = 5, Iterations = 30 }, progress: new Listener(steps));
        Assert.All(result.X, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(20, result.X.Zip(result.Y).Distinct().Count());
        Assert.Equal([.. Enumerable.Range(1, 30).Select(i => new EmbeddingProgress(i, 30))], steps);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_cancellation_is_heeded()
    {
        float[] rows = Blobs.Draw(1, 30, 2);
        ArgumentException tooLarge = Assert.Throws<ArgumentException>(() => Tsne.Run(CpuDevice.Shared, rows, 2));
        Assert.Equal("A perplexity of 30 is too large for 30 points: it must be at most 9. Lower it, or take more pictures.", tooLarge.Message);
        TsneOptions options = new() { Perplexity = 5 };
        Assert.Throws<ArgumentException>(() => Tsne.Run(CpuDevice.Shared, rows, 7, options));
        Assert.Throws<ArgumentException>(() => Tsne.Run(CpuDevice.Shared, [1, 2, float.NaN], 1, options));
        Assert.Throws<ArgumentException>(() => Tsne.Run(CpuDevice.Shared, rows, 2, options with { Iterations = 0 }));
        Assert.Throws<ArgumentException>(() => Tsne.Run(CpuDevice.Shared, [1, 2], 1, options with { Perplexity = 1 }));
        Assert.ThrowsAny<OperationCanceledException>(() => Tsne.Run(CpuDevice.Shared, rows, 2, options, cancellationToken: new CancellationToken(true)));
    }

    private static (double Sum, float[] X, float[] Y) Push(float[] x, float[] y, float angle)
    {
        (float[] forceX, float[] forceY) = (new float[x.Length], new float[x.Length]);
        return (new Repulsion(x.Length, angle, s_parallel).Compute(x, y, forceX, forceY), forceX, forceY);
    }

    private static double Square(double value) => value * value;

    private static double Perplexity(FixtureCase golden) => golden.Config.GetProperty("tsne").GetProperty("perplexity").GetDouble();

    private sealed class Listener(List<EmbeddingProgress> steps) : IProgress<EmbeddingProgress>
    {
        public void Report(EmbeddingProgress value) => steps.Add(value);
    }
}
