using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Linear layers with packed weights: each format against sums in double precision and against the composite default, at every vector width.</summary>
public sealed class PackedLinearTests
{
    private const double Unit = 1.0 / (1 << 24);

    /// <summary>M, N, K: tile edges, panel edges, edges of a block of k, groups of four k, vectors and matrices of one element.</summary>
    private static readonly (int M, int N, int K)[] Shapes =
    [
        (1, 1, 1), (1, 5, 3), (2, 1, 4), (3, 7, 5), (1, 384, 192), (2, 130, 64), (4, 49, 33), (5, 48, 17), (6, 64, 66), (7, 15, 100), (8, 16, 384),
        (9, 17, 385), (12, 33, 31), (16, 96, 48), (17, 47, 390), (25, 257, 20), (49, 9, 769), (64, 72, 64), (197, 66, 34),
    ];

    private static readonly (Activation Activation, bool HasBias, Residual Residual)[] Forms =
    [
        (Activation.Identity, false, Residual.None), (Activation.Identity, true, Residual.InPlace), (Activation.Gelu, true, Residual.None),
        (Activation.Gelu, false, Residual.Separate), (Activation.Relu, true, Residual.Separate),
    ];

    public static TheoryData<string, WeightFormat> All
    {
        get
        {
            TheoryData<string, WeightFormat> data = [];
            foreach (string width in KernelBed.Widths)
            {
                foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
                    data.Add(width, format);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Products_agree_with_double_precision(string width, WeightFormat format)
    {
        using KernelBed fused = new(width), composite = new(width, composite: true);
        foreach ((int m, int n, int k) in Shapes)
        {
            PackedProblem problem = new(m, n, k);
            double[] expected = problem.Product(), bound = problem.Bound(format);
            foreach (KernelBed bed in new[] { fused, composite })
            {
                float[] actual = problem.Run(bed.Backend, format, Activation.Identity, hasBias: false, Residual.None);
                for (int i = 0; i < actual.Length; i++)
                    Assert.True(Math.Abs(actual[i] - expected[i]) <= bound[i], $"{width} {format} [{m}, {n}, {k}]: element {i} is {actual[i]}, expected {expected[i]} to {bound[i]:g3}.");
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Fused_agrees_with_composite(string width, WeightFormat format)
    {
        using KernelBed fused = new(width), composite = new(width, composite: true);
        foreach ((int m, int n, int k) in Shapes)
        {
            PackedProblem problem = new(m, n, k);
            foreach ((Activation activation, bool hasBias, Residual residual) in Forms)
            {
                float[] actual = problem.Run(fused.Backend, format, activation, hasBias, residual);
                float[] expected = problem.Run(composite.Backend, format, activation, hasBias, residual);
                for (int i = 0; i < actual.Length; i++)
                {
                    // Both round sums of K terms, which grows like √K u for random signs; the terms of I8 are taken apart (a byte above the least of a
                    // row, and that least), which at most triples them. Activations have slopes below 1.13; bias and residual are of order 1.
                    double bound = (3 * problem.Magnitude(i) + 4) * Unit * (8 + (2 * Math.Sqrt(k)));
                    Assert.True(Math.Abs(actual[i] - expected[i]) <= bound, $"{width} {format} [{m}, {n}, {k}] {activation}, bias {hasBias}, residual {residual}: element {i} is {actual[i]}, composite {expected[i]}.");
                }
            }
        }
    }

    [Theory]
    [InlineData(nameof(Dino.Tensors.Cpu.Vec512))]
    [InlineData(nameof(Dino.Tensors.Cpu.Vec256))]
    [InlineData(nameof(Dino.Tensors.Cpu.Vec128))]
    public void F32_has_the_bits_of_the_product_that_is_not_packed(string width)
    {
        using KernelBed bed = new(width);
        // Products of at most eight rows or columns are sums of dots there.
        foreach ((int m, int n, int k) in Shapes.Where(shape => Math.Min(shape.M, shape.N) > 8))
        {
            PackedProblem problem = new(m, n, k);
            float[] packed = problem.Run(bed.Backend, WeightFormat.F32, Activation.Gelu, hasBias: true, Residual.None);
            Assert.Equal(problem.RunUnpacked(bed.Backend, Activation.Gelu), packed);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Results_do_not_depend_on_the_number_of_threads(string width, WeightFormat format)
    {
        using KernelBed one = new(width, threads: 1), two = new(width, threads: 2), three = new(width, threads: 3);
        foreach ((int m, int n, int k) in new[] { (1, 3000, 384), (60, 200, 800), (300, 200, 64) })
        {
            PackedProblem problem = new(m, n, k);
            float[] expected = problem.Run(one.Backend, format, Activation.Gelu, hasBias: true, Residual.InPlace);
            Assert.Equal(expected, problem.Run(two.Backend, format, Activation.Gelu, hasBias: true, Residual.InPlace));
            Assert.Equal(expected, problem.Run(three.Backend, format, Activation.Gelu, hasBias: true, Residual.InPlace));
        }
    }

    [Theory, MemberData(nameof(All))]
    public void A_warm_product_allocates_nothing(string width, WeightFormat format)
    {
        using KernelBed bed = new(width);
        foreach ((int m, int n, int k) in new[] { (1, 500, 500), (60, 200, 200) })
            Assert.Equal(0, new PackedProblem(m, n, k).AllocatedBytes(bed.Backend, format));
    }

    [Theory, MemberData(nameof(All))]
    public void A_NaN_or_an_infinity_spoils_its_row_and_no_other(string width, WeightFormat format)
    {
        using KernelBed fused = new(width), composite = new(width, composite: true);
        foreach (float value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            foreach (int k in new[] { 0, 20, 33 })
            {
                PackedProblem problem = new(7, 20, 34);
                problem.X[(3 * 34) + k] = value;
                foreach (KernelBed bed in new[] { fused, composite })
                {
                    float[] y = problem.Run(bed.Backend, format, Activation.Identity, hasBias: true, Residual.None);
                    for (int i = 0; i < y.Length; i++)
                        Assert.True(float.IsFinite(y[i]) == (i / 20 != 3), $"{width} {format}: {value} at {k} makes element {i} {y[i]}.");
                }
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Rows_of_one_value_are_exact(string width, WeightFormat format)
    {
        using KernelBed fused = new(width), composite = new(width, composite: true);
        PackedProblem problem = new(3, 20, 37);
        // Powers of two in the input, ±1 in the weight: every product and sum is exact in all formats, also where a range is zero.
        for (int i = 0; i < problem.X.Length; i++)
            problem.X[i] = (i / 37) switch { 0 => 0, 1 => 4, _ => -0.25f };
        for (int i = 0; i < problem.Weight.Length; i++)
            problem.Weight[i] = i % 3 == 0 ? -1 : 1;
        for (int k = 0; k < 37; k++)
            problem.Weight[k] = 0;
        double[] expected = problem.Product();
        foreach (KernelBed bed in new[] { fused, composite })
        {
            float[] actual = problem.Run(bed.Backend, format, Activation.Identity, hasBias: false, Residual.None);
            // I8 scales by 1 / 127 and back.
            for (int i = 0; i < actual.Length; i++)
                Assert.Equal(expected[i], actual[i], format == WeightFormat.I8 ? 37 * 4 * 4 * Unit : 0);
        }
    }
}
