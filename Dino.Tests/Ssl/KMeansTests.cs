using Dino.Ssl.Evaluation;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>k-means against scikit-learn from given centres, and its own promises: first centres, empty clusters, threads, cancellation.</summary>
public class KMeansTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("g_eval", name => name.StartsWith("cluster_", StringComparison.Ordinal));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Lloyd_iteration_agrees(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        double[] x = golden.Doubles("in.x");
        int width = golden.Shape("in.x")[1], clusters = golden.Shape("in.init")[0];
        List<KMeansProgress> steps = [];
        KMeansResult result = KMeans.Run(CpuDevice.Shared, golden.Singles("in.x"), width, new KMeansOptions { Clusters = clusters }, golden.Singles("in.init"), new Listener(steps));
        KMeansResult first = KMeans.Run(CpuDevice.Shared, golden.Singles("in.x"), width, new KMeansOptions { Clusters = clusters, MaxIterations = 1 }, golden.Singles("in.init"));

        Assert.Equal(golden.Doubles("out.labels").Select(label => (int)label), result.Labels);
        Assert.True(result.HasConverged);
        Assert.Equal(golden.Config.GetProperty("kmeans").GetProperty("n_iter").GetInt32(), result.Iterations);
        Assert.Equal(result.Iterations, steps.Count);
        Assert.Equal(0, steps[^1].Changed);
        Assert.False(first.HasConverged);
        Assert.Equal(1, first.Iterations);
        // The features are F32 here: rounding each moves a mean by half a unit of the largest at most, and the mean is rounded once more.
        double rounding = x.Max(Math.Abs) / (1 << 23);
        double[] centres = golden.Doubles("out.centers");
        for (int i = 0; i < centres.Length; i++)
            Assert.InRange(result.Centres[i], centres[i] - rounding, centres[i] + rounding);
        double inertia = golden.Config.GetProperty("kmeans").GetProperty("inertia").GetDouble();
        // Each of the N·D differences moves by twice that at most: 2 |difference| · 2 · rounding, summed by Cauchy-Schwarz.
        double bound = 4 * rounding * Math.Sqrt(inertia * x.Length);
        Assert.InRange(result.Inertia, inertia - bound, inertia + bound);
    }

    [FixtureTheory, MemberData(nameof(Cases))]
    public void First_assignment_agrees(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        int width = golden.Shape("in.x")[1], clusters = golden.Shape("in.init")[0];
        float[] x = golden.Singles("in.x"), centres = golden.Singles("in.init");
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        float[] offsets = [.. Enumerable.Range(0, clusters).Select(c => -0.5f * centres.Skip(c * width).Take(width).Sum(value => value * value))];
        scope.Upload(x, [x.Length / width, width]).TopProducts(scope.Upload(centres, [clusters, width]), 1, out Tensor indices, scope.Upload(offsets, [clusters]));
        int[] nearest = new int[x.Length / width];
        CpuDevice.Shared.Backend.Download(indices.View, System.Runtime.InteropServices.MemoryMarshal.AsBytes(nearest.AsSpan()));
        Assert.Equal(golden.Doubles("out.first_assignment").Select(label => (int)label), nearest);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Blobs_are_found_from_seeded_centres_whatever_the_threads(bool spherical)
    {
        (float[] rows, int[] truth) = Blobs(400, 20, 24, spherical);
        KMeansOptions options = new() { Clusters = 20, IsSpherical = spherical, Seed = 5 };
        KMeansResult[] results = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using CpuDevice device = new(threads);
            return KMeans.Run(device, rows, 24, options);
        })];
        foreach (KMeansResult result in results)
        {
            Assert.True(result.HasConverged);
            Assert.Equal(results[0].Labels, result.Labels);
            Assert.Equal(results[0].Centres, result.Centres);
            Assert.Equal(results[0].Inertia, result.Inertia);
        }

        // Blobs this far apart are clusters: two rows share a label if and only if they share a blob.
        Assert.Equal(20, truth.Zip(results[0].Labels).Distinct().Count());
        Assert.Equal(20, results[0].Labels.Distinct().Count());
        for (int i = 0; i < truth.Length; i++)
            Assert.Equal(Nearest(results[0], rows, i, 24, spherical), results[0].Labels[i]);
    }

    [Fact]
    public void An_empty_cluster_gets_the_farthest_row()
    {
        // The third centre is far from every row: nobody chooses it.
        float[] rows = [0, 1, 2, 10, 11, 30];
        KMeansResult result = KMeans.Run(CpuDevice.Shared, rows, 1, new KMeansOptions { Clusters = 3 }, [1, 12, -500]);
        Assert.Equal([0, 0, 0, 1, 1, 2], result.Labels);
        Assert.Equal([1, 10.5f, 30], result.Centres);
        Assert.Equal(2.5, result.Inertia, 1e-12);
    }

    [Fact]
    public void Fewer_different_rows_than_clusters_end()
    {
        KMeansResult result = KMeans.Run(CpuDevice.Shared, [3, 3, 3, 8], 1, new KMeansOptions { Clusters = 3, Seed = 1 });
        Assert.True(result.HasConverged);
        Assert.Equal(0, result.Inertia);
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_cancellation_is_heeded()
    {
        KMeansOptions options = new() { Clusters = 3 };
        Assert.Throws<ArgumentException>(() => KMeans.Run(CpuDevice.Shared, [1, 2], 1, options));
        Assert.Throws<ArgumentException>(() => KMeans.Run(CpuDevice.Shared, [1, 2, 3, 4], 1, options, [1, 2]));
        Assert.Throws<ArgumentException>(() => KMeans.Run(CpuDevice.Shared, [1, float.NaN, 3, 4], 1, options));
        Assert.Throws<OperationCanceledException>(() => KMeans.Run(CpuDevice.Shared, [1, 2, 3, 4], 1, options, cancellationToken: new CancellationToken(true)));
    }

    private static int Nearest(KMeansResult result, float[] rows, int row, int width, bool spherical)
    {
        double[] distances = [.. Enumerable.Range(0, result.Centres.Length / width).Select(c => Enumerable.Range(0, width).Sum(d =>
        {
            double x = rows[(row * width) + d], centre = result.Centres[(c * width) + d];
            return spherical ? -x * centre : (x - centre) * (x - centre);
        }))];
        return Array.IndexOf(distances, distances.Min());
    }

    /// <summary>Rows around random centres ten deviations of the noise apart in every coordinate.</summary>
    private static (float[] Rows, int[] Blobs) Blobs(int count, int blobs, int width, bool unit)
    {
        Random random = new(11);
        float[] centres = [.. Enumerable.Range(0, blobs * width).Select(_ => random.NextSingle() - 0.5f)], rows = new float[count * width];
        int[] truth = [.. Enumerable.Range(0, count).Select(i => i % blobs)];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = centres[(truth[i / width] * width) + (i % width)] + (0.03f * (random.NextSingle() - 0.5f));
        for (int i = 0; unit && i < count; i++)
        {
            Span<float> row = rows.AsSpan(i * width, width);
            System.Numerics.Tensors.TensorPrimitives.Divide(row, System.Numerics.Tensors.TensorPrimitives.Norm<float>(row), row);
        }

        return (rows, truth);
    }

    private sealed class Listener(List<KMeansProgress> steps) : IProgress<KMeansProgress>
    {
        public void Report(KMeansProgress value) => steps.Add(value);
    }
}
