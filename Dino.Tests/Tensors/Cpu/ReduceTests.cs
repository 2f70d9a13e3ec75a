using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Reductions of rows, columns and middle axes.</summary>
public sealed class ReduceTests
{
    public static TheoryData<Width, ReduceOp> Cases => Widths.With<ReduceOp>();

    public static TheoryData<Width> All => Widths.All;

    [Theory, MemberData(nameof(Cases))]
    public void Every_length_of_rows_and_columns_agrees_with_double_precision(Width width, ReduceOp op)
    {
        using Backend backend = Widths.Create(width);
        for (int n = 0; n <= 257; n++)
        {
            AssertAgrees(backend, op, 3, n, 1);
            AssertAgrees(backend, op, 1, 9, n);
            AssertAgrees(backend, op, 2, n, 5);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Large_shapes_agree_with_double_precision(Width width, ReduceOp op)
    {
        using Backend backend = Widths.Create(width, 2);
        foreach ((int outer, int n, int inner) in ((int, int, int)[])[(1, 300_001, 1), (5, 20_000, 1), (1, 1000, 384), (3, 300, 70), (1, 70, 5000), (2, 1030, 3), (4000, 17, 1)])
            AssertAgrees(backend, op, outer, n, inner);
    }

    [Theory, MemberData(nameof(All))]
    public void The_error_of_a_sum_does_not_grow_with_its_length(Width width)
    {
        using Backend backend = Widths.Create(width, 2);
        foreach (int n in (int[])[1 << 10, 1 << 16, 1 << 22])
        {
            using GuardedMemory x = new([n]), row = new([1]), column = new([2]);
            // Terms of one sign and a value that is not a short binary fraction: a running sum of 2^22 of them is wrong in the third digit.
            x.Floats.Fill(0.1f);
            backend.Reduce(ReduceOp.Sum, x.View.As([1, n, 1]), new Destination(row.View));
            backend.Reduce(ReduceOp.Sum, x.View.As([1, n / 2, 2]), new Destination(column.View));
            // Chains of 128 additions, then a tree of at most 11 levels: 139 roundings of half an ulp, though as a random walk; 1e-6 is 17.
            Assert.Equal(1, row.Floats[0] / (n * (double)0.1f), 1e-6);
            Assert.Equal(1, column.Floats[1] / (n / 2 * (double)0.1f), 1e-6);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Largest_and_smallest_keep_NaN_wherever_it_is(Width width)
    {
        using Backend backend = Widths.Create(width);
        for (int n = 1; n <= 140; n++)
        {
            for (int position = 0; position < n; position += 1 + (n / 20))
            {
                using GuardedMemory x = new([1, n, 1]), y = new([1]);
                x.Floats.Fill(2);
                x.Floats[position] = float.NaN;
                backend.Reduce(ReduceOp.Max, x.View, new Destination(y.View));
                Assert.Equal(float.NaN, y.Floats[0]);
                backend.Reduce(ReduceOp.Min, x.View, new Destination(y.View));
                Assert.Equal(float.NaN, y.Floats[0]);
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Index_of_the_extreme_is_the_first_one(Width width)
    {
        using Backend backend = Widths.Create(width, 2);
        Random random = new(3);
        foreach ((int outer, int n, int inner) in ((int, int, int)[])[(3, 1, 1), (7, 33, 1), (50, 1000, 1), (2, 300, 7), (1, 50, 1000), (300, 257, 1)])
        {
            using GuardedMemory x = new([outer, n, inner]), y = new([outer, inner], DType.I32);
            // Few distinct values, so that ties happen, and some NaN.
            for (int i = 0; i < x.Floats.Length; i++)
                x.Floats[i] = random.Next(4 * n) == 0 ? float.NaN : random.Next(-n, n) / 3;
            foreach (bool largest in (bool[])[true, false])
            {
                backend.ArgReduce(largest, x.View, y.View);
                for (int o = 0; o < outer; o++)
                {
                    for (int j = 0; j < inner; j++)
                        Assert.Equal(Extreme(x.Floats, o, n, inner, j, largest), y.Ints[(o * inner) + j]);
                }
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void The_k_largest_fall_and_ties_rise_by_index(Width width)
    {
        using Backend backend = Widths.Create(width, 2);
        Random random = new(4);
        foreach ((int rows, int n, int k) in ((int, int, int)[])[(1, 1, 1), (3, 5, 5), (4, 100, 1), (5, 257, 20), (3, 1000, 1000), (2, 64, 3), (30, 5000, 20)])
        {
            using GuardedMemory x = new([rows, n]), values = new([rows, k]), indices = new([rows, k], DType.I32);
            for (int i = 0; i < x.Floats.Length; i++)
                x.Floats[i] = random.Next(200) == 0 ? float.NaN : random.Next(-n, n) / 4;
            backend.TopK(x.View, values.View, indices.View);
            for (int row = 0; row < rows; row++)
            {
                float[] source = x.Floats.Slice(row * n, n).ToArray();
                int[] expected = [.. Enumerable.Range(0, n).OrderByDescending(i => float.IsNaN(source[i]) ? float.PositiveInfinity : source[i]).ThenBy(i => i).Take(k)];
                Assert.Equal(expected, indices.Ints.Slice(row * k, k).ToArray());
                Assert.Equal(expected.Select(i => source[i]), values.Floats.Slice(row * k, k).ToArray());
            }
        }
    }

    private static int Extreme(ReadOnlySpan<float> x, int outer, int n, int inner, int column, bool largest)
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

    private static void AssertAgrees(Backend backend, ReduceOp op, int outer, int n, int inner)
    {
        using GuardedMemory x = new([outer, n, inner]), y = new([outer, inner]), sum = new([outer, inner]);
        Random random = new(n);
        for (int i = 0; i < x.Floats.Length; i++)
            x.Floats[i] = random.NextSingle() - 0.4f;
        sum.Floats.Fill(1);
        backend.Reduce(op, x.View, new Destination(y.View));
        backend.Reduce(op, x.View, new Destination(sum.View, true));
        backend.Reduce(op, x.View, Destination.None);
        for (int o = 0; o < outer; o++)
        {
            for (int j = 0; j < inner; j++)
            {
                double result = op switch { ReduceOp.Max => double.NegativeInfinity, ReduceOp.Min => double.PositiveInfinity, _ => 0 }, size = 0;
                for (int i = 0; i < n; i++)
                {
                    double value = x.Floats[(((o * n) + i) * inner) + j];
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
                float actual = y.Floats[(o * inner) + j];
                if (actual != (float)result && !(Math.Abs(actual - result) <= limit))
                    Assert.Fail($"{op} of [{outer}, {n}, {inner}] at ({o}, {j}): {actual:G9}, expected {result:G9}.");
                Assert.Equal(1 + actual, sum.Floats[(o * inner) + j]);
            }
        }
    }
}
