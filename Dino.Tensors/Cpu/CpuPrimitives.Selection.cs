using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void ArgReduce(bool largest, in View x, in View y)
    {
        (int outer, int n, int inner) = Middle(x);
        if (n == 0)
            throw new ShapeMismatchException($"The extreme of no elements has no index: {x.Shape}.");
        if (inner == 1)
            Ranges.Run(Workers, outer, n, new ArgRowRange(largest, x.F32, y.I32, n));
        else
            Ranges.Run(Workers, (long)outer * inner, n, new ArgColumnRange(largest, x.F32, y.I32, n, inner));
    }

    public override void TopK(in View x, in View values, in View indices)
    {
        int n = x.Columns, k = values.Columns;
        if (k > n)
            throw new ShapeMismatchException($"The {k} largest of rows of {n}: {x.Shape} to {values.Shape}.");
        if (k > 0)
            Ranges.Run(Workers, x.Rows, n, new TopKRange(x.F32, values.F32, indices.I32, n, k));
    }

    private readonly struct ArgRowRange(bool largest, float* x, int* y, int n) : IRange
    {
        public void Run(long start, long end)
        {
            for (long row = start; row < end; row++)
            {
                float* values = x + (row * n);
                float extreme = largest
                    ? Reductions<V>.Row<ReduceOperators<V>.Max>(values, n)
                    : Reductions<V>.Row<ReduceOperators<V>.Min>(values, n);
                y[row] = Selection<V>.IndexOf(values, n, extreme);
            }
        }
    }

    /// <summary>Sweeps rows, so that memory is read in order; y holds the best row so far of each column.</summary>
    private readonly struct ArgColumnRange(bool largest, float* x, int* y, long n, long inner) : IRange
    {
        public void Run(long start, long end)
        {
            while (start < end)
            {
                (long outer, long column) = Math.DivRem(start, inner);
                long columns = Math.Min(inner - column, end - start);
                float* values = x + (outer * n * inner) + column;
                int* best = y + start;
                new Span<int>(best, (int)columns).Clear();
                for (int i = 1; i < n; i++)
                {
                    float* candidates = values + (i * inner);
                    for (long j = 0; j < columns; j++)
                    {
                        float champion = values[(best[j] * inner) + j];
                        if (largest ? Selection<V>.IsLarger(candidates[j], champion) : Selection<V>.IsSmaller(candidates[j], champion))
                            best[j] = i;
                    }
                }

                start += columns;
            }
        }
    }

    private readonly struct TopKRange(float* x, float* values, int* indices, int n, int k) : IRange
    {
        public void Run(long start, long end)
        {
            for (long row = start; row < end; row++)
                Selection<V>.TopK(x + (row * n), n, values + (row * k), indices + (row * k), k);
        }
    }
}
