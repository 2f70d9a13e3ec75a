using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Rows at the edges on a CUDA device: infinities, NaN, zero norms, operands that share memory.</summary>
public sealed class CudaRowSpecialValueTests
{
    private const float Infinity = float.PositiveInfinity;

    [Fact]
    public void Softmax_of_minus_infinity_is_exactly_zero()
    {
        // The values of torch 1.13, to the bit.
        using DeviceBed bed = new();
        Assert.Equal([0.2689414322376251f, 0f, 0.7310585975646973f], Map(bed, [1, -Infinity, 2], bed.Backend.Softmax));
        Assert.Equal([-1.31326162815094f, -Infinity, -0.31326165795326233f], Map(bed, [1, -Infinity, 2], bed.Backend.LogSoftmax));
    }

    [Fact]
    public void Softmax_of_infinity_or_NaN_is_NaN()
    {
        using DeviceBed bed = new();
        // A row of a warp, in registers and not, and a row of a block, where most threads never see what spoils it.
        foreach (int columns in new[] { 3, 72, 1030 })
        {
            foreach (float special in new[] { Infinity, float.NaN })
            {
                for (int at = 0; at < columns; at += 1 + (columns / 11))
                {
                    float[] row = new float[columns];
                    row[at] = special;
                    Assert.All(Map(bed, row, bed.Backend.Softmax), value => Assert.True(float.IsNaN(value)));
                    Assert.All(Map(bed, row, bed.Backend.LogSoftmax), value => Assert.True(float.IsNaN(value)));
                }
            }

            float[] nothing = new float[columns];
            Array.Fill(nothing, -Infinity);
            Assert.All(Map(bed, nothing, bed.Backend.Softmax), value => Assert.True(float.IsNaN(value)));
            nothing[columns / 2] = -3;
            float[] one = new float[columns];
            one[columns / 2] = 1;
            Assert.Equal(one, Map(bed, nothing, bed.Backend.Softmax));
        }
    }

    [Fact]
    public void Softmax_of_huge_logits_is_finite()
    {
        using DeviceBed bed = new();
        Assert.Equal([0f, 1f, 0f], Map(bed, [-3e38f, 3e38f, 0], bed.Backend.Softmax));
        Assert.Equal([0.5f, 0.5f], Map(bed, [1e30f, 1e30f], bed.Backend.Softmax));
        float[] row = new float[2000];
        (row[0], row[1999]) = (3e38f, -3e38f);
        float[] expected = new float[2000];
        expected[0] = 1;
        Assert.Equal(expected, Map(bed, row, bed.Backend.Softmax));
    }

    [Fact]
    public void Normalize_of_a_zero_row_is_zero_and_passes_the_gradient_over_epsilon()
    {
        using DeviceBed bed = new();
        Assert.Equal([0f, 0f, 0f], Map(bed, [0, 0, 0], (in View x, in View y) => bed.Backend.Normalize(x, 0.5f, y, bed.Take([1]))));
        View zeros = bed.Write([0, 0, 0], [1, 3]), norm = bed.Write([0], [1]);
        Assert.Equal([2f, -4f, 6f], Map(bed, [1, -2, 3], (in View dy, in View dx) => bed.Backend.NormalizeBackward(zeros, norm, 0.5f, dy, new Destination(dx))));
        Assert.All(Map(bed, [1, float.NaN, 3], (in View x, in View y) => bed.Backend.Normalize(x, 0.5f, y, bed.Take([1]))), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void Norm_layers_of_constant_rows_are_zero()
    {
        using DeviceBed bed = new();
        foreach (int columns in new[] { 37, 1500 })
        {
            float[] constant = new float[columns];
            Array.Fill(constant, 0.1f);
            float[] y = Map(bed, constant, (in View x, in View y) => bed.Backend.LayerNorm(x, View.None, View.None, 1e-6f, y, bed.Take([1]), bed.Take([1])));
            // 0.1 is not a float: its mean may be off by one unit, 7.5e-9, times 1 / sqrt(1e-6).
            Assert.All(y, value => Assert.InRange(value, -1e-5f, 1e-5f));
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(1500)]
    public void A_gradient_may_take_the_place_of_what_it_is_made_from(int columns)
    {
        using DeviceBed bed = new();
        Random random = new(columns);
        Shape shape = [3, columns];
        float[] x = Draw(), dy = Draw(), g = [1, 2, 3], norms = [4, 5, 6];
        AssertSame((y, d, dx) => bed.Backend.SoftmaxBackward(y, d, new Destination(dx)));
        AssertSame((y, d, dx) => bed.Backend.LogSoftmaxBackward(y, d, new Destination(dx)));
        AssertSame((v, dw, dv) => bed.Backend.WeightNormBackward(v, bed.Write(g, [3]), bed.Write(norms, [3]), dw, new Destination(dv), Destination.None));

        void AssertSame(Action<View, View, View> operation)
        {
            View source = bed.Write(x, shape), apart = bed.Write(dy, shape), result = bed.Write(default, shape), shared = bed.Write(dy, shape);
            operation(source, apart, result);
            operation(source, shared, shared);
            Assert.Equal(bed.Read<float>(result), bed.Read<float>(shared));
        }

        float[] Draw() => [.. Enumerable.Range(0, 3 * columns).Select(_ => random.NextSingle() - 0.5f)];
    }

    private delegate void RowOperation(in View x, in View y);

    /// <summary>Applies an operation to one row.</summary>
    private static float[] Map(DeviceBed bed, float[] row, RowOperation operation)
    {
        View x = bed.Write(row, [1, row.Length]), y = bed.Write(default, x.Shape);
        operation(x, y);
        return bed.Read<float>(y);
    }
}
