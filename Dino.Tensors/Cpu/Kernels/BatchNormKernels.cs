using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Batch normalisation over the rows of x [R, C]. Lanes run along the columns, so nothing is ever summed across lanes; a tail of
/// columns is masked. Sums of a tile of rows go to a row of partials.
/// </summary>
internal static unsafe class BatchNormKernels<V> where V : struct, IVec<V>
{
    /// <summary>Columns of a strip: its sums and four of its rows fit the first-level cache whatever the width of the matrix.</summary>
    public const int Strip = 512;

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
    public static void Moments(float* x, long rows, int stride, int columns, float* mean, float* squares)
    {
        // The first row is the pivot of the first pass: sums then round like the spread of the values, not like the values.
        Sum<Deviation>(x, x, x, rows, stride, columns, mean);
        float share = 1f / rows;
        for (int i = 0; i < columns; i += V.Count)
        {
            int count = Math.Min(V.Count, columns - i);
            Lanes<V>.Store(V.MultiplyAdd(Lanes<V>.Load(mean + i, count), V.Create(share), Lanes<V>.Load(x + i, count)), mean + i, count);
        }

        Sum<SquaredDeviation>(x, x, mean, rows, stride, columns, squares);
    }

    /// <summary>sum [columns] = Σ over rows of a term, four rows at a time; rows begin <paramref name="stride"/> elements apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum<TTerm>(float* x, float* dy, float* centre, long rows, int stride, int columns, float* sum)
        where TTerm : IColumnTerm
    {
        new Span<float>(sum, columns).Clear();
        long row = 0;
        for (; row <= rows - 4; row += 4)
        {
            float* a = x + (row * stride), d = dy + (row * stride);
            int i = 0;
            for (; i <= columns - V.Count; i += V.Count)
            {
                V c = V.Load(centre + i);
                V t0 = TTerm.Of(V.Load(a + i), V.Load(d + i), c);
                V t1 = TTerm.Of(V.Load(a + stride + i), V.Load(d + stride + i), c);
                V t2 = TTerm.Of(V.Load(a + (2L * stride) + i), V.Load(d + (2L * stride) + i), c);
                V t3 = TTerm.Of(V.Load(a + (3L * stride) + i), V.Load(d + (3L * stride) + i), c);
                V.Store(V.Load(sum + i) + ((t0 + t1) + (t2 + t3)), sum + i);
            }

            if (i < columns)
            {
                int count = columns - i;
                V c = V.LoadPartial(centre + i, count);
                V t0 = TTerm.Of(V.LoadPartial(a + i, count), V.LoadPartial(d + i, count), c);
                V t1 = TTerm.Of(V.LoadPartial(a + stride + i, count), V.LoadPartial(d + stride + i, count), c);
                V t2 = TTerm.Of(V.LoadPartial(a + (2L * stride) + i, count), V.LoadPartial(d + (2L * stride) + i, count), c);
                V t3 = TTerm.Of(V.LoadPartial(a + (3L * stride) + i, count), V.LoadPartial(d + (3L * stride) + i, count), c);
                V.StorePartial(V.LoadPartial(sum + i, count) + ((t0 + t1) + (t2 + t3)), sum + i, count);
            }
        }

        for (; row < rows; row++)
        {
            for (int i = 0; i < columns; i += V.Count)
            {
                int count = Math.Min(V.Count, columns - i);
                V term = TTerm.Of(Lanes<V>.Load(x + (row * stride) + i, count), Lanes<V>.Load(dy + (row * stride) + i, count), Lanes<V>.Load(centre + i, count));
                Lanes<V>.Store(Lanes<V>.Load(sum + i, count) + term, sum + i, count);
            }
        }
    }

    /// <summary>
    /// Merges the moments that tiles of rows left behind, [tiles][2][stride], for columns [first, last) by the rule of Chan, Golub and
    /// LeVeque (1979); scale = gamma / sqrt(variance + epsilon).
    /// </summary>
    /// <remarks>Means are added as distances from the first one, and in runs of 16 tiles: rounding errors stay those of the spread.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MergeMoments(float* partials, long stride, in RowTiles tiles, int first, int last, float* gamma, float epsilon, float* mean, float* variance, float* scale)
    {
        const int Run = 16;
        V share = V.Create((float)(1.0 / tiles.Rows));
        for (int i = first; i < last; i += V.Count)
        {
            int count = Math.Min(V.Count, last - i);
            float* column = partials + i;
            V pivot = Lanes<V>.Load(column, count), sum = V.Zero, squares = V.Zero;
            for (int start = 0; start < tiles.Count; start += Run)
            {
                V part = V.Zero;
                for (int tile = start; tile < Math.Min(tiles.Count, start + Run); tile++)
                    part = V.MultiplyAdd(Lanes<V>.Load(column + (2 * stride * tile), count) - pivot, V.Create(tiles.Last(tile) - tiles.First(tile)), part);
                sum = sum + part;
            }

            V centre = V.MultiplyAdd(sum, share, pivot);
            for (int start = 0; start < tiles.Count; start += Run)
            {
                V part = V.Zero;
                for (int tile = start; tile < Math.Min(tiles.Count, start + Run); tile++)
                {
                    V distance = Lanes<V>.Load(column + (2 * stride * tile), count) - centre;
                    V within = Lanes<V>.Load(column + (2 * stride * tile) + stride, count);
                    part = part + V.MultiplyAdd(distance * distance, V.Create(tiles.Last(tile) - tiles.First(tile)), within);
                }

                squares = squares + part;
            }

            V spread = squares * share;
            Lanes<V>.Store(centre, mean + i, count);
            Lanes<V>.Store(spread, variance + i, count);
            Lanes<V>.Store(Lanes<V>.Load(gamma + i, count) / V.Sqrt(spread + V.Create(epsilon)), scale + i, count);
        }
    }

    /// <summary>
    /// What dx needs of each column, from Σ dy and Σ dy (x - mean). With n = (x - mean) rstd: dx = gamma rstd (dy - mean(dy) - n mean(dy n))
    /// = scale dy + slope (x - mean) + offset. Turns the second sum into dgamma, Σ dy n.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Coefficients(float* gamma, float* variance, float epsilon, float* sum, float* projection, long rows, int columns, float* scale, float* slope, float* offset)
    {
        V share = V.Create((float)(-1.0 / rows));
        for (int i = 0; i < columns; i += V.Count)
        {
            int count = Math.Min(V.Count, columns - i);
            V rstd = V.Create(1f) / V.Sqrt(Lanes<V>.Load(variance + i, count) + V.Create(epsilon));
            V weight = Lanes<V>.Load(gamma + i, count) * rstd;
            V along = Lanes<V>.Load(projection + i, count) * rstd;
            Lanes<V>.Store(along, projection + i, count);
            Lanes<V>.Store(weight, scale + i, count);
            Lanes<V>.Store(weight * rstd * along * share, slope + i, count);
            Lanes<V>.Store(weight * Lanes<V>.Load(sum + i, count) * share, offset + i, count);
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
