using Dino.Ssl.Projection;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Projection;

/// <summary>UMAP: its curve against umap-learn, its graph against the definition, and the plane.</summary>
public class UmapTests
{
    /// <summary>What umap-learn's find_ab_params gives for a spread of 1.</summary>
    [Theory, InlineData(0.1, 1.57694, 0.89506), InlineData(0.5, 0.58303, 1.33417)]
    public void The_curve_is_the_one_of_the_reference(double minDistance, double a, double b)
    {
        DistanceCurve curve = DistanceCurve.Fit(minDistance);
        // Five digits of the reference, whose fit stops at a relative change of 1e-8 in the error.
        Assert.Equal(a, curve.A, 2e-5);
        Assert.Equal(b, curve.B, 2e-5);
    }

    [Theory, InlineData(0.0), InlineData(1.0)]
    public void The_curve_is_found_at_both_ends(double minDistance)
    {
        DistanceCurve curve = DistanceCurve.Fit(minDistance);
        double[] misses = [.. Enumerable.Range(1, 299).Select(i => 3.0 * i / 299).Select(x => (x < minDistance ? 1 : Math.Exp(minDistance - x)) - (1 / (1 + (curve.A * Math.Pow(x, 2 * curve.B)))))];
        // The root mean square of what no curve of this form can follow.
        Assert.InRange(Math.Sqrt(misses.Average(miss => miss * miss)), 0, 0.06);
    }

    [Fact]
    public void The_graph_is_symmetric_and_every_point_is_certain_of_its_nearest()
    {
        const int Neighbours = 9;
        NearestRows nearest = NearestRows.Find(CpuDevice.Shared, Blobs.Draw(3, 30, 4), 4, Neighbours, new ParallelOptions());
        AffinityGraph graph = FuzzyGraph.Of(nearest, new ParallelOptions());
        Dictionary<(int, int), float> entries = [];
        for (int i = 0; i < graph.Count; i++)
        {
            for (int e = graph.Starts[i]; e < graph.Starts[i + 1]; e++)
                entries.Add((i, graph.Columns[e]), graph.Weights[e]);
        }

        Assert.All(entries, entry => Assert.Equal(entry.Value, entries[(entry.Key.Item2, entry.Key.Item1)]));
        Assert.All(entries.Values, weight => Assert.InRange(weight, 0, 1));
        for (int i = 0; i < graph.Count; i++)
            Assert.Equal(1, entries[(i, nearest.Indices[i * Neighbours])]);
        // One side gives log₂ of the ten points of a neighbourhood; both sides together no more than twice that.
        double perPoint = graph.Weights.Sum(weight => (double)weight) / graph.Count;
        Assert.InRange(perPoint, Math.Log2(Neighbours + 1) - 1e-4, 2 * Math.Log2(Neighbours + 1));
    }

    [Fact]
    public void Groups_stay_together_whatever_the_threads()
    {
        float[] rows = Blobs.Draw(6, 50, 8);
        UmapOptions options = new() { Epochs = 100, Seed = 2 };
        EmbeddingResult[] results = [.. new[] { 1, 3 }.Select(threads =>
        {
            using CpuDevice device = new(threads);
            return Umap.Run(device, rows, 8, options, threads);
        })];
        Assert.Equal(results[0].X, results[1].X);
        Assert.Equal(results[0].Y, results[1].Y);
        Assert.Equal(1, Blobs.Kept(results[0].X, results[0].Y, 50));
        Assert.NotEqual(results[0].X, Umap.Run(CpuDevice.Shared, rows, 8, options with { Seed = 3 }).X);
    }

    [Fact]
    public void Equal_rows_have_finite_places()
    {
        EmbeddingResult result = Umap.Run(CpuDevice.Shared, new float[60], 3, new UmapOptions { Neighbours = 5, Epochs = 20 });
        Assert.All(result.X.Concat(result.Y), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_cancellation_is_heeded()
    {
        float[] rows = Blobs.Draw(1, 10, 2);
        ArgumentException tooMany = Assert.Throws<ArgumentException>(() => Umap.Run(CpuDevice.Shared, rows, 2));
        Assert.Equal("15 neighbours are too many for 10 points: there must be at most 10. Lower them, or take more pictures.", tooMany.Message);
        UmapOptions options = new() { Neighbours = 4 };
        Assert.Throws<ArgumentException>(() => Umap.Run(CpuDevice.Shared, rows, 7, options));
        Assert.Throws<ArgumentException>(() => Umap.Run(CpuDevice.Shared, rows, 2, options with { MinDistance = 2 }));
        Assert.ThrowsAny<OperationCanceledException>(() => Umap.Run(CpuDevice.Shared, rows, 2, options, cancellationToken: new CancellationToken(true)));
    }
}
