using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Batch normalisation over the rows of x [R, C]. Lanes run along the columns, so nothing is ever summed across lanes; a tail of
/// columns is masked. Sums of a tile of rows go to a row of partials.
/// </summary>
internal static unsafe class BatchNormKernels<V> where V : struct, IVec<V>
{
    /// <summary>A term of a column sum.</summary>
    internal interface IColumnTerm
    {
        static abstract V Of(V x, V dy, V centre);
    }

    /// <summary>x - centre.</summary>
    internal readonly struct Deviation : IColumnTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of(V x, V dy, V centre) => x - centre;
    }

    /// <summary>(x - centre)².</summary>
    internal readonly struct SquaredDeviation : IColumnTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of(V x, V dy, V centre) => (x - centre) * (x - centre);
    }

    /// <summary>dy.</summary>
    internal readonly struct Gradient : IColumnTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of(V x, V dy, V centre) => dy;
    }

    /// <summary>dy (x - centre).</summary>
    internal readonly struct Covariance : IColumnTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Of(V x, V dy, V centre) => dy * (x - centre);
    }

    /// <summary>mean [C] and squares [C], the sum of squared deviations from that mean, over one tile of rows.</summary>
    public static void Moments(float* x, long rows, int columns, float* mean, float* squares)
    {
        // The first row is the pivot of the first pass: sums then round like the spread of the values, not like the values.
        Sum<Deviation>(x, x, x, rows, columns, mean);
        float share = 1f / rows;
        for (int i = 0; i < columns; i += V.Count)
        {
            int count = Math.Min(V.Count, columns - i);
            Lanes<V>.Store(V.MultiplyAdd(Lanes<V>.Load(mean + i, count), V.Create(share), Lanes<V>.Load(x + i, count)), mean + i, count);
        }

        Sum<SquaredDeviation>(x, x, mean, rows, columns, squares);
    }

    /// <summary>sum [C] = Σ over rows of a term, four rows at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum<TTerm>(float* x, float* dy, float* centre, long rows, int columns, float* sum)
        where TTerm : IColumnTerm
    {
        new Span<float>(sum, columns).Clear();
        long row = 0;
        for (; row <= rows - 4; row += 4)
        {
            float* a = x + (row * columns), d = dy + (row * columns);
            int i = 0;
            for (; i <= columns - V.Count; i += V.Count)
            {
                V c = V.Load(centre + i);
                V t0 = TTerm.Of(V.Load(a + i), V.Load(d + i), c);
                V t1 = TTerm.Of(V.Load(a + columns + i), V.Load(d + columns + i), c);
                V t2 = TTerm.Of(V.Load(a + (2L * columns) + i), V.Load(d + (2L * columns) + i), c);
                V t3 = TTerm.Of(V.Load(a + (3L * columns) + i), V.Load(d + (3L * columns) + i), c);
                V.Store(V.Load(sum + i) + ((t0 + t1) + (t2 + t3)), sum + i);
            }

            if (i < columns)
            {
                int count = columns - i;
                V c = V.LoadPartial(centre + i, count);
                V t0 = TTerm.Of(V.LoadPartial(a + i, count), V.LoadPartial(d + i, count), c);
                V t1 = TTerm.Of(V.LoadPartial(a + columns + i, count), V.LoadPartial(d + columns + i, count), c);
                V t2 = TTerm.Of(V.LoadPartial(a + (2L * columns) + i, count), V.LoadPartial(d + (2L * columns) + i, count), c);
                V t3 = TTerm.Of(V.LoadPartial(a + (3L * columns) + i, count), V.LoadPartial(d + (3L * columns) + i, count), c);
                V.StorePartial(V.LoadPartial(sum + i, count) + ((t0 + t1) + (t2 + t3)), sum + i, count);
            }
        }

        for (; row < rows; row++)
        {
            for (int i = 0; i < columns; i += V.Count)
            {
                int count = Math.Min(V.Count, columns - i);
                V term = TTerm.Of(Lanes<V>.Load(x + (row * columns) + i, count), Lanes<V>.Load(dy + (row * columns) + i, count), Lanes<V>.Load(centre + i, count));
                Lanes<V>.Store(Lanes<V>.Load(sum + i, count) + term, sum + i, count);
            }
        }
    }

    /// <summary>y = (x - mean) · scale + beta for a tile of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(float* x, float* mean, float* scale, float* beta, float* y, long rows, int columns)
    {
        for (; rows > 0; rows--, x += columns, y += columns)
        {
            int i = 0;
            for (; i <= columns - V.Count; i += V.Count)
                V.Store(V.MultiplyAdd(V.Load(x + i) - V.Load(mean + i), V.Load(scale + i), V.Load(beta + i)), y + i);
            if (i < columns)
            {
                int count = columns - i;
                V centred = V.LoadPartial(x + i, count) - V.LoadPartial(mean + i, count);
                V.StorePartial(V.MultiplyAdd(centred, V.LoadPartial(scale + i, count), V.LoadPartial(beta + i, count)), y + i, count);
            }
        }
    }

    /// <summary>dx = scale · dy + (slope · (x - mean) + offset) for a tile of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InputGradient(float* x, float* mean, float* scale, float* slope, float* offset, float* dy, float* dx, bool accumulate, long rows, int columns)
    {
        for (; rows > 0; rows--, x += columns, dy += columns, dx += columns)
        {
            int i = 0;
            for (; i <= columns - V.Count; i += V.Count)
            {
                V value = V.MultiplyAdd(V.Load(x + i) - V.Load(mean + i), V.Load(slope + i), V.Load(offset + i));
                value = V.MultiplyAdd(V.Load(dy + i), V.Load(scale + i), value);
                V.Store(accumulate ? value + V.Load(dx + i) : value, dx + i);
            }

            if (i < columns)
            {
                int count = columns - i;
                V centred = V.LoadPartial(x + i, count) - V.LoadPartial(mean + i, count);
                V value = V.MultiplyAdd(centred, V.LoadPartial(slope + i, count), V.LoadPartial(offset + i, count));
                value = V.MultiplyAdd(V.LoadPartial(dy + i, count), V.LoadPartial(scale + i, count), value);
                V.StorePartial(accumulate ? value + V.LoadPartial(dx + i, count) : value, dx + i, count);
            }
        }
    }
}
