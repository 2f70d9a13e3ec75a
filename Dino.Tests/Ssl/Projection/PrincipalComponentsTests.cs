using System.Text.Json;
using Dino.Ssl.Projection;

namespace Dino.Tests.Ssl.Projection;

/// <summary>PCA against scikit-learn and the official evaluation of retrieval, and its own promises.</summary>
public class PrincipalComponentsTests
{
    public static TheoryData<string> Clusters => FixtureStore.Cases("g_eval", name => name.StartsWith("cluster_", StringComparison.Ordinal));

    public static TheoryData<string> Metrics => FixtureStore.Cases("g_eval", name => name == "metrics");

    [FixtureTheory, MemberData(nameof(Clusters))]
    public void Components_agree(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        double[] x = golden.Doubles("in.x"), components = golden.Doubles("out.pca_components"), scores = golden.Doubles("out.pca_scores");
        int width = golden.Shape("in.x")[1], count = golden.Shape("out.pca_components")[0];
        JsonElement tolerance = golden.Json.GetProperty("tolerances").GetProperty("pca");
        (double rtol, double atol) = (tolerance.GetProperty("rtol").GetDouble(), tolerance.GetProperty("atol").GetDouble());
        PrincipalComponents found = PrincipalComponents.Of<double>(x, width, count);

        double[] projected = found.Project<double>(x);
        AssertClose(golden.Doubles("out.pca_mean"), found.Mean, rtol, atol);
        AssertClose(golden.Doubles("out.pca_variance"), found.Variances, rtol, atol);
        AssertClose(golden.Doubles("out.pca_ratio"), [.. Enumerable.Range(0, count).Select(found.Share)], rtol, atol);
        for (int c = 0; c < count; c++)
        {
            double[] expected = components[(c * width)..((c + 1) * width)];
            // The signs of the two are a matter of convention.
            double sign = Math.Sign(expected.Zip(found.Component(c).ToArray(), (a, b) => a * b).Sum());
            AssertClose([.. expected.Select(value => sign * value)], found.Component(c), rtol, atol);
            AssertClose([.. Column(scores, count, c).Select(value => sign * value)], Column(projected, count, c), rtol, atol);
        }
    }

    [FixtureTheory, MemberData(nameof(Metrics))]
    public void Whitening_agrees(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        double rtol = golden.Json.GetProperty("tolerances").GetProperty("out.pca_whitened_abs").GetProperty("rtol").GetDouble();
        double[] expected = golden.Doubles("out.pca_whitened_abs");
        PrincipalComponents found = PrincipalComponents.OfCovariance(golden.Doubles("in.pca_cov"), count: golden.Shape("out.pca_whitened_abs")[1]);
        double[] whitened = [.. found.Project<double>(golden.Doubles("in.pca_x"), whitening: 0.5).Select(Math.Abs)];
        // Relative to the largest value: entries near zero are differences of much larger ones.
        AssertClose(expected, whitened, rtol, rtol * expected.Max());
    }

    [Theory, InlineData(40, 7), InlineData(7, 40), InlineData(12, 12), InlineData(2, 5), InlineData(300, 1)]
    public void Components_are_orthonormal_and_give_the_rows_back(int height, int width)
    {
        double[] rows = Normal(height * width, seed: 3);
        PrincipalComponents found = PrincipalComponents.Of<double>(rows, width);
        double[] scores = found.Project<double>(rows);
        int rank = Math.Min(height - 1, width);
        Assert.Equal(Math.Min(height, width), found.Count);
        for (int a = 0; a < found.Count; a++)
        {
            // Rounding only: a few units in the last place for each of the columns.
            for (int b = 0; b < found.Count; b++)
                Assert.Equal(a == b && a < rank ? 1 : 0, Dot(found.Component(a), found.Component(b)), 1e-12);
            double[] column = Column(scores, found.Count, a);
            Assert.Equal(found.Variances[a], column.Sum(value => value * value) / (height - 1), 1e-12);
            if (a < rank)
                Assert.True(found.Component(a).ToArray().MaxBy(Math.Abs) > 0);
        }

        for (int i = 0; i < height; i++)
        {
            for (int j = 0; j < width; j++)
                Assert.Equal(rows[(i * width) + j], found.Mean[j] + Enumerable.Range(0, found.Count).Sum(c => scores[(i * found.Count) + c] * found.Component(c)[j]), 1e-12);
        }

        Assert.Equal(1, Enumerable.Range(0, found.Count).Sum(found.Share), 1e-12);
    }

    /// <summary>The few components of wide rows are found another way than all of them.</summary>
    [Fact]
    public void The_leading_components_are_the_first_of_all()
    {
        const int Width = 512;
        double[] rows = Normal(700 * Width, seed: 4);
        for (int i = 0; i < rows.Length; i++)
            rows[i] *= Math.Pow(0.9, i % Width);
        PrincipalComponents few = PrincipalComponents.Of<double>(rows, Width, 3), all = PrincipalComponents.Of<double>(rows, Width);
        Assert.Equal(all.TotalVariance, few.TotalVariance, 1e-10 * all.TotalVariance);
        for (int c = 0; c < 3; c++)
        {
            // The residual is at most 1e-11 of the largest variance; divided by the gaps, which are about a tenth of it.
            Assert.Equal(all.Variances[c], few.Variances[c], 1e-11 * all.Variances[0]);
            Assert.InRange(Dot(all.Component(c), few.Component(c)), 1 - 1e-9, 1 + 1e-9);
        }

        double[] flat = new double[Width * Width];
        for (int i = 0; i < Width; i++)
            flat[(i * Width) + i] = 1 + (1e-6 * i);
        Assert.Null(LeadingEigen.TryDecompose(flat, Width, 2, new ParallelOptions()));
        (double[] values, double[] vectors) = SymmetricEigen.Decompose(flat, Width);
        Assert.Equal(1 + (1e-6 * (Width - 1)), values[0], 1e-14);
        Assert.Equal(1, Math.Abs(vectors[Width - 1]), 1e-12);
    }

    [Fact]
    public void A_line_in_space_has_one_component_and_nothing_else()
    {
        float[] rows = [.. Enumerable.Range(0, 9).SelectMany(i => new float[] { 2 + (3 * i), 1, 5 - (4 * i) })];
        PrincipalComponents found = PrincipalComponents.Of<float>(rows, 3);
        Assert.Equal([-0.6, 0, 0.8], found.Component(0).ToArray().Select(value => Math.Round(value, 12)));
        Assert.Equal(25 * 7.5, found.Variances[0], 1e-10);
        Assert.Equal([0, 0], found.Variances[1..].ToArray());
        Assert.Equal(new double[3], found.Component(1).ToArray());
        Assert.Equal(1, found.Share(0));
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(c => Math.Round(Variance(found.Project<float>(rows, whitening: 0.5), 3, c), 12)));
    }

    [Fact]
    public void Rows_that_are_all_alike_have_no_direction()
    {
        PrincipalComponents found = PrincipalComponents.Of<float>([3, 4, 3, 4, 3, 4], 2);
        Assert.Equal((0.0, 0.0), (found.TotalVariance, found.Share(0)));
        Assert.Equal(new double[6], found.Project<float>([3, 4, 3, 4, 3, 4], whitening: 0.5));
    }

    [Fact]
    public void Threads_change_nothing_and_floats_are_widened()
    {
        float[] rows = [.. Normal(600 * 33, seed: 8).Select(value => (float)value)];
        PrincipalComponents one = PrincipalComponents.Of<float>(rows, 33, 5, threads: 1), three = PrincipalComponents.Of<float>(rows, 33, 5, threads: 3);
        PrincipalComponents wide = PrincipalComponents.Of<double>([.. rows.Select(value => (double)value)], 33, 5);
        Assert.Equal(one.Project<float>(rows), three.Project<float>(rows));
        Assert.Equal(one.Component(4), wide.Component(4));
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_cancellation_is_heeded()
    {
        Assert.Throws<ArgumentException>(() => PrincipalComponents.Of<float>([1, 2, 3], 2));
        Assert.Throws<ArgumentException>(() => PrincipalComponents.Of<float>([1, float.PositiveInfinity], 2));
        Assert.Throws<ArgumentException>(() => PrincipalComponents.Of<float>([1, 2, 3, 4, 5, 6], 2, count: 3));
        Assert.Throws<ArgumentException>(() => PrincipalComponents.OfCovariance([1, 2, 3]));
        Assert.ThrowsAny<OperationCanceledException>(() => PrincipalComponents.Of<float>([1, 2, 3, 5], 2, cancellationToken: new CancellationToken(true)));
    }

    private static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double rtol, double atol)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i], expected[i] - atol - (rtol * Math.Abs(expected[i])), expected[i] + atol + (rtol * Math.Abs(expected[i])));
    }

    private static double[] Column(double[] matrix, int width, int column) => [.. Enumerable.Range(0, matrix.Length / width).Select(i => matrix[(i * width) + column])];

    private static double Variance(double[] matrix, int width, int column) => Column(matrix, width, column).Sum(value => value * value) / ((matrix.Length / width) - 1);

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static double[] Normal(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
    }
}
