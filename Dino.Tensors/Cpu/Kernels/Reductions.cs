using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Reductions of rows [n] and of columns [rows, columns]. The order of additions is a function of the lengths alone, and no chain of
/// additions is longer than 128 before partial results are joined in a tree, so the error of a sum grows like log n.
/// </summary>
internal static unsafe class Reductions<V> where V : struct, IVec<V>
{
    /// <summary>Elements of a row summed by one set of accumulators: 4 x 4 lanes at least, hence chains of 128 at most.</summary>
    private const long Leaf = 2048;

    /// <summary>The reduction of n neighbours.</summary>
    public static float Row<TOperator>(float* x, long n)
        where TOperator : struct, IReduceOperator<V>
    {
        if (n <= Leaf)
            return LeafOf<TOperator>(x, n);
        long half = ((n / 2) + Leaf - 1) / Leaf * Leaf;
        return TOperator.Combine(Row<TOperator>(x, half), Row<TOperator>(x + half, n - half));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float LeafOf<TOperator>(float* x, long n)
        where TOperator : struct, IReduceOperator<V>
    {
        V identity = V.Create(TOperator.Identity);
        V r0 = identity, r1 = identity, r2 = identity, r3 = identity;
        long i = 0;
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            r0 = TOperator.Accumulate(r0, V.Load(x + i));
            r1 = TOperator.Accumulate(r1, V.Load(x + i + V.Count));
            r2 = TOperator.Accumulate(r2, V.Load(x + i + (2 * V.Count)));
            r3 = TOperator.Accumulate(r3, V.Load(x + i + (3 * V.Count)));
        }

        for (; i <= n - V.Count; i += V.Count)
            r0 = TOperator.Accumulate(r0, V.Load(x + i));
        int rest = (int)(n - i);
        if (rest > 0)
            r1 = TOperator.Accumulate(r1, V.Select(V.FirstLanes(rest), V.LoadPartial(x + i, rest), identity));
        return TOperator.Across(TOperator.Combine(TOperator.Combine(r0, r1), TOperator.Combine(r2, r3)));
    }

    /// <summary>result[j] = reduction of x[i · stride + j] over rows; four rows at a time, so result is touched once per four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns<TOperator>(float* x, long stride, long rows, long columns, float* result)
        where TOperator : struct, IReduceOperator<V>
    {
        V identity = V.Create(TOperator.Identity);
        new Span<float>(result, (int)columns).Fill(TOperator.Identity);
        long i = 0;
        for (; i <= rows - 4; i += 4, x += 4 * stride)
        {
            long j = 0;
            for (; j <= columns - V.Count; j += V.Count)
            {
                V four = TOperator.Accumulate(identity, V.Load(x + j));
                four = TOperator.Accumulate(four, V.Load(x + stride + j));
                four = TOperator.Accumulate(four, V.Load(x + (2 * stride) + j));
                four = TOperator.Accumulate(four, V.Load(x + (3 * stride) + j));
                V.Store(TOperator.Combine(V.Load(result + j), four), result + j);
            }

            int rest = (int)(columns - j);
            if (rest > 0)
            {
                V four = TOperator.Accumulate(identity, V.LoadPartial(x + j, rest));
                four = TOperator.Accumulate(four, V.LoadPartial(x + stride + j, rest));
                four = TOperator.Accumulate(four, V.LoadPartial(x + (2 * stride) + j, rest));
                four = TOperator.Accumulate(four, V.LoadPartial(x + (3 * stride) + j, rest));
                V.StorePartial(TOperator.Combine(V.LoadPartial(result + j, rest), four), result + j, rest);
            }
        }

        for (; i < rows; i++, x += stride)
        {
            long j = 0;
            for (; j <= columns - V.Count; j += V.Count)
                V.Store(TOperator.Accumulate(V.Load(result + j), V.Load(x + j)), result + j);
            int rest = (int)(columns - j);
            if (rest > 0)
                V.StorePartial(TOperator.Accumulate(V.LoadPartial(result + j, rest), V.LoadPartial(x + j, rest)), result + j, rest);
        }
    }

    /// <summary>Joins rows of partial results in a binary tree, in place; the result is the first row.</summary>
    public static void Tree<TOperator>(float* partials, long stride, long rows, long columns)
        where TOperator : struct, IReduceOperator<V>
    {
        for (long step = 1; step < rows; step *= 2)
        {
            for (long i = 0; i + step < rows; i += 2 * step)
                Join<TOperator>(partials + (i * stride), partials + ((i + step) * stride), columns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Join<TOperator>(float* a, float* b, long n)
        where TOperator : struct, IReduceOperator<V>
    {
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(TOperator.Combine(V.Load(a + i), V.Load(b + i)), a + i);
        for (; i < n; i++)
            a[i] = TOperator.Combine(a[i], b[i]);
    }
}
