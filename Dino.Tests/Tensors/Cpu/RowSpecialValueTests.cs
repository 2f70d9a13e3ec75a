using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>Rows at the edges: infinities, NaN, zero norms, single rows; the fused kernels and the composites answer as torch does.</summary>
public sealed class RowSpecialValueTests
{
    private const float Infinity = float.PositiveInfinity;

    public static TheoryData<string, bool> Beds()
    {
        TheoryData<string, bool> data = [];
        foreach (string width in KernelBed.Widths)
        {
            data.Add(width, false);
            data.Add(width, true);
        }

        return data;
    }

    [Theory, MemberData(nameof(Beds))]
    public void Softmax_of_minus_infinity_is_exactly_zero(string width, bool composite)
    {
        // The values of torch 1.13, to the bit.
        Assert.Equal([0.2689414322376251f, 0f, 0.7310585975646973f], Map(width, composite, [1, -Infinity, 2], (backend, x, y) => backend.Softmax(x, y)));
        Assert.Equal([-1.31326162815094f, -Infinity, -0.31326165795326233f], Map(width, composite, [1, -Infinity, 2], (backend, x, y) => backend.LogSoftmax(x, y)));
    }

    [Theory, MemberData(nameof(Beds))]
    public void Softmax_of_infinity_or_NaN_is_NaN(string width, bool composite)
    {
        foreach (int columns in new[] { 3, 16, 21, 70 })
        {
            foreach (float special in new[] { Infinity, float.NaN })
            {
                for (int at = 0; at < columns; at++)
                {
                    float[] row = new float[columns];
                    row[at] = special;
                    Assert.All(Map(width, composite, row, (backend, x, y) => backend.Softmax(x, y)), value => Assert.True(float.IsNaN(value)));
                    Assert.All(Map(width, composite, row, (backend, x, y) => backend.LogSoftmax(x, y)), value => Assert.True(float.IsNaN(value)));
                }
            }

            float[] nothing = new float[columns];
            Array.Fill(nothing, -Infinity);
            Assert.All(Map(width, composite, nothing, (backend, x, y) => backend.Softmax(x, y)), value => Assert.True(float.IsNaN(value)));
        }
    }

    [Theory, MemberData(nameof(Beds))]
    public void Softmax_of_huge_logits_is_finite(string width, bool composite)
    {
        Assert.Equal([0f, 1f, 0f], Map(width, composite, [-3e38f, 3e38f, 0], (backend, x, y) => backend.Softmax(x, y)));
        Assert.Equal([0.5f, 0.5f], Map(width, composite, [1e30f, 1e30f], (backend, x, y) => backend.Softmax(x, y)));
    }

    [Theory, MemberData(nameof(Beds))]
    public void Normalize_of_a_zero_row_is_zero_and_passes_the_gradient_over_epsilon(string width, bool composite)
    {
        Assert.Equal([0f, 0f, 0f], Map(width, composite, [0, 0, 0], (backend, x, y) => WithScalar(norms => backend.Normalize(x, 0.5f, y, norms))));
        Assert.Equal([2f, -4f, 6f], Map(width, composite, [1, -2, 3], (backend, dy, dx) => WithScalar(norms =>
        {
            // dx also serves as y, a row of zeros.
            backend.Fill(norms, 0f);
            backend.Fill(dx, 0f);
            backend.NormalizeBackward(dx, norms, 0.5f, dy, new Destination(dx, Accumulate: true));
        })));
    }

    [Theory, MemberData(nameof(Beds))]
    public void Norm_layers_of_constant_rows_are_zero(string width, bool composite)
    {
        float[] constant = new float[37];
        Array.Fill(constant, 0.1f);
        float[] y = Map(width, composite, constant, (backend, x, y) => WithScalar(mean => WithScalar(rstd => backend.LayerNorm(x, View.None, View.None, 1e-6f, y, mean, rstd))));
        // 0.1 is not a float: its mean may be off by one unit, 7.5e-9, times 1 / sqrt(1e-6).
        Assert.All(y, value => Assert.InRange(value, -1e-5f, 1e-5f));
    }

    [Theory, MemberData(nameof(Beds))]
    public void A_norm_that_is_not_clipped_leaves_the_gradient_alone_to_the_bit(string width, bool composite)
    {
        float[] gradient = [0.1f, 0.2f, 0.3f];
        Assert.Equal(gradient, Map(width, composite, gradient, (backend, g, copy) => WithScalar(norm =>
        {
            backend.Copy(g, copy);
            backend.ClipEach(copy, [new Segment(0, 3, 0, 0, 1)], 10f, norm);
        })));
    }

    /// <summary>Applies an operation to one row.</summary>
    private static unsafe float[] Map(string width, bool composite, float[] row, Action<Backend, View, View> operation)
    {
        using KernelBed bed = new(width, composite: composite);
        float[] result = new float[row.Length];
        fixed (float* x = row, y = result)
            operation(bed.Backend, new View((nint)x, DType.F32, [1, row.Length]), new View((nint)y, DType.F32, [1, row.Length]));
        return result;
    }

    /// <summary>Lends a view of one element.</summary>
    private static unsafe void WithScalar(Action<View> use)
    {
        float norm;
        use(new View((nint)(&norm), DType.F32, [1]));
    }
}
