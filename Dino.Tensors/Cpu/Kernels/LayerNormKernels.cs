using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Layer normalisation of rows [n], forward and backward. Lanes run along the row; a tail is masked. gamma and beta are always there
/// (ones and zeros where the layer has none).
/// </summary>
internal static unsafe class LayerNormKernels<V> where V : struct, IVec<V>
{
    /// <summary>y = (x - mean) · rstd · gamma + beta.</summary>
    /// <remarks>
    /// Deviations are taken from the first element, so that a small variance beside a large mean keeps the digits that x has, and sum
    /// and squares need one pass. Where that element lies far from the mean, its distance would drown the variance: then a second pass
    /// centres on the mean that the first has found. What the rounded mean is off by is taken out of the variance and of y.
    /// </remarks>
    public static void Row(float* x, float* gamma, float* beta, float epsilon, float* y, out float mean, out float rstd, int n)
    {
        double share = 1.0 / n;
        (double sum, double squares) = RowSums<V>.Centred(x, x[0], n);
        double middle = x[0] + (sum * share);
        double variance = (squares - (sum * sum * share)) * share;

        // Two deviations off: the square of the distance is 4/5 of the sum, and costs 2.3 bits of it.
        if (sum * sum > 0.8 * n * squares)
        {
            float centre = (float)middle;
            (sum, squares) = RowSums<V>.Centred(x, centre, n);
            middle = centre + (sum * share);
            variance = Math.Max(0, (squares - (sum * sum * share)) * share);
        }

        mean = (float)middle;
        rstd = (float)(1 / Math.Sqrt(variance + epsilon));
        Apply(x, gamma, beta, y, mean, (float)(middle - mean), rstd, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply(float* x, float* gamma, float* beta, float* y, float centre, float shift, float rstd, int n)
    {
        V middle = V.Create(centre), rest = V.Create(shift), scale = V.Create(rstd);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V normalised = (V.Load(x + i) - middle - rest) * scale;
            V.Store(V.MultiplyAdd(normalised, V.Load(gamma + i), V.Load(beta + i)), y + i);
        }

        if (i < n)
        {
            V normalised = (V.LoadPartial(x + i, n - i) - middle - rest) * scale;
            V.StorePartial(V.MultiplyAdd(normalised, V.LoadPartial(gamma + i, n - i), V.LoadPartial(beta + i, n - i)), y + i, n - i);
        }
    }

    /// <summary>dx = rstd (g - mean(g) - u mean(g u)) with g = gamma dy and u = (x - mean) rstd.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InputGradient(float* x, float* gamma, float mean, float rstd, float* dy, float* dx, bool accumulate, int n)
    {
        double sum = 0, projection = 0;
        for (int start = 0; start < n; start += RowSums<V>.Block)
        {
            Project(x + start, gamma + start, dy + start, mean, Math.Min(RowSums<V>.Block, n - start), out float blockSum, out float blockProjection);
            sum += blockSum;
            projection += blockProjection;
        }

        // dx = rstd g + slope (x - mean) + offset.
        V middle = V.Create(mean), scale = V.Create(rstd);
        V slope = V.Create((float)(-(double)rstd * rstd * rstd * projection / n));
        V offset = V.Create((float)(-rstd * sum / n));
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V value = V.MultiplyAdd(V.Load(x + i) - middle, slope, offset);
            value = V.MultiplyAdd(V.Load(dy + i) * V.Load(gamma + i), scale, value);
            V.Store(accumulate ? value + V.Load(dx + i) : value, dx + i);
        }

        if (i < n)
        {
            V value = V.MultiplyAdd(V.LoadPartial(x + i, n - i) - middle, slope, offset);
            value = V.MultiplyAdd(V.LoadPartial(dy + i, n - i) * V.LoadPartial(gamma + i, n - i), scale, value);
            V.StorePartial(accumulate ? value + V.LoadPartial(dx + i, n - i) : value, dx + i, n - i);
        }
    }

    /// <summary>Σ g and Σ g (x - mean); the tail adds nothing because its g is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Project(float* x, float* gamma, float* dy, float mean, int n, out float sum, out float projection)
    {
        V middle = V.Create(mean);
        V s0 = V.Zero, s1 = V.Zero, p0 = V.Zero, p1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V g0 = V.Load(dy + i) * V.Load(gamma + i);
            V g1 = V.Load(dy + i + V.Count) * V.Load(gamma + i + V.Count);
            s0 = s0 + g0;
            s1 = s1 + g1;
            p0 = V.MultiplyAdd(g0, V.Load(x + i) - middle, p0);
            p1 = V.MultiplyAdd(g1, V.Load(x + i + V.Count) - middle, p1);
        }

        for (; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V g = Lanes<V>.Load(dy + i, count) * Lanes<V>.Load(gamma + i, count);
            s0 = s0 + g;
            p0 = V.MultiplyAdd(g, Lanes<V>.Load(x + i, count) - middle, p0);
        }

        sum = V.Sum(s0 + s1);
        projection = V.Sum(p0 + p1);
    }

    /// <summary>dgamma += Σ dy u and dbeta += Σ dy over <paramref name="rows"/> rows of n columns, four rows at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ParameterGradients(float* x, float* mean, float* rstd, float* dy, float* dgamma, float* dbeta, long rows, int n)
    {
        long row = 0;
        for (; row <= rows - 4; row += 4)
        {
            V m0 = V.Create(mean[row]), m1 = V.Create(mean[row + 1]), m2 = V.Create(mean[row + 2]), m3 = V.Create(mean[row + 3]);
            V r0 = V.Create(rstd[row]), r1 = V.Create(rstd[row + 1]), r2 = V.Create(rstd[row + 2]), r3 = V.Create(rstd[row + 3]);
            float* a = x + (row * n), d = dy + (row * n);
            int i = 0;
            for (; i <= n - V.Count; i += V.Count)
            {
                V d0 = V.Load(d + i), d1 = V.Load(d + n + i), d2 = V.Load(d + (2L * n) + i), d3 = V.Load(d + (3L * n) + i);
                V even = V.MultiplyAdd((V.Load(a + i) - m0) * r0, d0, V.Load(dgamma + i));
                V odd = (V.Load(a + n + i) - m1) * r1 * d1;
                even = V.MultiplyAdd((V.Load(a + (2L * n) + i) - m2) * r2, d2, even);
                odd = V.MultiplyAdd((V.Load(a + (3L * n) + i) - m3) * r3, d3, odd);
                V.Store(even + odd, dgamma + i);
                V.Store(V.Load(dbeta + i) + ((d0 + d1) + (d2 + d3)), dbeta + i);
            }

            if (i < n)
            {
                for (int k = 0; k < 4; k++)
                    ParameterTail(a + ((long)k * n) + i, mean[row + k], rstd[row + k], d + ((long)k * n) + i, dgamma + i, dbeta + i, n - i);
            }
        }

        for (; row < rows; row++)
        {
            for (int i = 0; i < n; i += V.Count)
                ParameterTail(x + (row * n) + i, mean[row], rstd[row], dy + (row * n) + i, dgamma + i, dbeta + i, Math.Min(V.Count, n - i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ParameterTail(float* x, float mean, float rstd, float* dy, float* dgamma, float* dbeta, int count)
    {
        V d = Lanes<V>.Load(dy, count);
        V normalised = (Lanes<V>.Load(x, count) - V.Create(mean)) * V.Create(rstd);
        Lanes<V>.Store(V.MultiplyAdd(normalised, d, Lanes<V>.Load(dgamma, count)), dgamma, count);
        Lanes<V>.Store(Lanes<V>.Load(dbeta, count) + d, dbeta, count);
    }
}
