using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Reductions of rows, columns and middle axes on a CUDA device.</summary>
public sealed class CudaReduceTests
{
    public static TheoryData<ReduceOp> Operations => [.. Enum.GetValues<ReduceOp>()];

    [Theory, MemberData(nameof(Operations))]
    public void Short_rows_and_columns_agree_with_double_precision(ReduceOp op)
    {
        using DeviceBed bed = new();
        foreach (int n in new[] { 0, 1, 2, 3, 4, 5, 8, 9, 17, 31, 32, 33, 64, 100, 127, 128, 129, 257 })
        {
            AssertAgrees(bed, op, 3, n, 1);
            AssertAgrees(bed, op, 1, 9, n);
            AssertAgrees(bed, op, 2, n, 5);
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Large_shapes_agree_with_double_precision(ReduceOp op)
    {
        using DeviceBed bed = new();
        // Rows of a warp, of a block, in chunks; columns in one tile of either size and in several, which are joined in one and in two passes; wide and narrow.
        foreach ((int outer, int n, int inner) in new[]
                 {
                     (300, 2048, 1), (5, 2049, 1), (1, 8192, 1), (2, 8193, 1), (1, 100_004, 1), (257, 8200, 1), (1, 33, 128), (3, 129, 70), (1, 1000, 132), (2, 1025, 33),
                     (1, 1100, 384), (1, 4200, 5), (1, 70, 1028), (2, 1030, 3), (4000, 17, 1), (1, 40_000, 2),
                 })
            AssertAgrees(bed, op, outer, n, inner);
        using DeviceBed skewed = new(skew: 1);
        foreach ((int outer, int n, int inner) in new[] { (3, 4096, 1), (1, 9000, 1), (1, 1100, 128), (2, 40, 256) })
            AssertAgrees(skewed, op, outer, n, inner);
    }

    [Fact]
    public void The_error_of_a_sum_does_not_grow_with_its_length()
    {
        using DeviceBed bed = new();
        foreach (int n in new[] { 1 << 10, 1 << 14, 1 << 20 })
        {
            // Terms of one sign and a value that is not a short binary fraction: a running sum of 2^20 of them is wrong in the fourth digit.
            View x = bed.Take([n]), row = bed.Take([1]), column = bed.Take([2]);
            bed.Backend.Fill(x, 0.1f);
            bed.Backend.Reduce(ReduceOp.Sum, x.As([1, n, 1]), new Destination(row));
            bed.Backend.Reduce(ReduceOp.Sum, x.As([1, n / 2, 2]), new Destination(column));
            Assert.Equal(1, bed.Read<float>(row)[0] / (n * (double)0.1f), 1e-6);
            Assert.Equal(1, bed.Read<float>(column)[1] / (n / 2 * (double)0.1f), 1e-6);
            bed.Release();
        }
    }

    [Fact]
    public void Largest_and_smallest_keep_NaN_wherever_it_is_and_the_smallest_numbers()
    {
        using DeviceBed bed = new();
        foreach (int n in new[] { 1, 5, 40, 2100, 8195 })
        {
            for (int position = 0; position < n; position += 1 + (n / 3))
            {
                float[] values = new float[n];
                values[position] = float.NaN;
                Assert.Equal(float.NaN, Extreme(bed, ReduceOp.Max, values));
                Assert.Equal(float.NaN, Extreme(bed, ReduceOp.Min, values));
                values[position] = 1e-44f;
                Assert.Equal(n == 1 ? 1e-44f : 0, Extreme(bed, ReduceOp.Min, values));
                Assert.Equal(1e-44f, Extreme(bed, ReduceOp.Max, values));
            }
        }
    }

    [Fact]
    public void Index_of_the_extreme_is_the_first_one()
    {
        using DeviceBed bed = new();
        Random random = new(3);
        foreach ((int outer, int n, int inner) in new[] { (3, 1, 1), (7, 33, 1), (50, 1000, 1), (2, 300, 7), (1, 50, 1000), (300, 257, 1), (1, 20_000, 1), (1, 9000, 3), (2, 20, 40) })
        {
            // Few distinct values, so that ties happen, and some NaN.
            float[] values = [.. Enumerable.Range(0, outer * n * inner).Select(_ => random.Next(4 * n) == 0 ? float.NaN : random.Next(-n, n) / 3)];
            View x = bed.Write(values, [outer, n, inner]), y = bed.Take([outer, inner], DType.I32);
            foreach (bool largest in new[] { true, false })
            {
                bed.Backend.ArgReduce(largest, x, y);
                int[] indices = bed.Read<int>(y);
                for (int i = 0; i < indices.Length; i++)
                    Assert.Equal(First(values, i / inner, n, inner, i % inner, largest), indices[i]);
            }

            bed.Release();
        }
    }

    [Fact]
    public void Index_of_the_extreme_tells_the_smallest_numbers_apart_and_not_the_zeros()
    {
        using DeviceBed bed = new();
        View y = bed.Take([1, 1], DType.I32);
        Assert.Equal(2, Index(largest: true, [0, -1e-44f, 1e-44f]));
        Assert.Equal(1, Index(largest: false, [0, -1e-44f, 1e-44f]));
        Assert.Equal(0, Index(largest: true, [-0f, 0]));
        Assert.Equal(0, Index(largest: false, [0, -0f]));
        Assert.Equal(1, Index(largest: true, [float.NegativeInfinity, float.MinValue]));
        Assert.Equal(0, Index(largest: true, [float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Throws<ShapeMismatchException>(() => bed.Backend.ArgReduce(true, bed.Take([1, 0, 1]), y));

        int Index(bool largest, float[] values)
        {
            bed.Backend.ArgReduce(largest, bed.Write(values, [1, values.Length, 1]), y);
            return bed.Read<int>(y)[0];
        }
    }

    private static float Extreme(DeviceBed bed, ReduceOp op, float[] values)
    {
        View y = bed.Take([1]);
        bed.Backend.Reduce(op, bed.Write(values, [1, values.Length, 1]), new Destination(y));
        return bed.Read<float>(y)[0];
    }

    private static int First(float[] x, int outer, int n, int inner, int column, bool largest)
    {
        int best = 0;
        for (int i = 1; i < n; i++)
        {
            float value = x[(((outer * n) + i) * inner) + column], champion = x[(((outer * n) + best) * inner) + column];
            if (!float.IsNaN(champion) && (float.IsNaN(value) || (largest ? value > champion : value < champion)))
                best = i;
        }

        return best;
    }

    internal static void AssertAgrees(DeviceBed bed, ReduceOp op, int outer, int n, int inner, DType type = DType.F32)
    {
        Random random = new(n);
        float[] values = [.. Enumerable.Range(0, outer * n * inner).Select(_ => random.NextSingle() - 0.4f)];
        View x = bed.Write(values, [outer, n, inner], type), y = bed.Write(default, [outer, inner]), sum = bed.Take([outer, inner]);
        values = bed.ReadValues(x);
        bed.Backend.Fill(sum, 1);
        bed.Backend.Reduce(op, x, new Destination(y));
        bed.Backend.Reduce(op, x, new Destination(sum, true));
        bed.Backend.Reduce(op, x, Destination.None);
        (float[] results, float[] sums) = (bed.Read<float>(y), bed.Read<float>(sum));
        bed.Release();
        for (int at = 0; at < results.Length; at++)
        {
            double result = op switch { ReduceOp.Max => double.NegativeInfinity, ReduceOp.Min => double.PositiveInfinity, _ => 0 }, size = 0;
            for (int i = 0; i < n; i++)
            {
                double value = values[(((at / inner * n) + i) * inner) + (at % inner)];
                size += Math.Abs(value);
                result = op switch
                {
                    ReduceOp.Sum => result + value,
                    ReduceOp.SumOfSquares => result + (value * value),
                    ReduceOp.SumOfMagnitudes => result + Math.Abs(value),
                    ReduceOp.Max => Math.Max(result, value),
                    _ => Math.Min(result, value),
                };
            }

            // An extreme is exact; 1e-6 of the sum of magnitudes is what the test of growth allows.
            double limit = op is ReduceOp.Max or ReduceOp.Min ? 0 : 1e-6 * size;
            if (results[at] != (float)result && !(Math.Abs(results[at] - result) <= limit))
                Assert.Fail($"{op} of [{outer}, {n}, {inner}] at {at}: {results[at]:G9}, expected {result:G9}.");
            Assert.Equal(1 + results[at], sums[at]);
        }
    }
}
