using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Softmax and log-softmax of one row [n], forward and backward. Lanes run along the row; a tail is masked. A row that holds NaN or
/// +inf, or nothing but -inf, becomes NaN through inf - inf, as in torch. y may be x, dx may be dy.
/// </summary>
/// <remarks>Softmax: 4 ulp of each probability beside the rounding of x - max; see SoftmaxKernelTests.</remarks>
internal static unsafe class SoftmaxKernels<V> where V : struct, IVec<V>
{
    /// <summary>y = e^(x - max) / Σ e^(x - max).</summary>
    public static void Softmax(float* x, float* y, int n)
    {
        V top = V.Create(Max(x, n));
        double sum = 0;
        for (int start = 0; start < n; start += RowSums<V>.Block)
            sum += ExpSum<Keep>(x + start, y + start, top, Math.Min(RowSums<V>.Block, n - start));
        NormalizeKernels<V>.Scale(y, (float)(1 / sum), y, n);
    }

    /// <summary>y = x - max - log Σ e^(x - max).</summary>
    public static void LogSoftmax(float* x, float* y, int n)
    {
        float max = Max(x, n);
        V top = V.Create(max);
        double sum = 0;
        for (int start = 0; start < n; start += RowSums<V>.Block)
            sum += ExpSum<Drop>(x + start, x + start, top, Math.Min(RowSums<V>.Block, n - start));
        SubtractBoth(x, y, max, (float)Math.Log(sum), n);
    }

    /// <summary>dx = y (dy - Σ y dy).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SoftmaxBackward(float* y, float* dy, float* dx, bool accumulate, int n)
    {
        V dot = V.Create((float)RowSums<V>.Dot(y, dy, n));
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V value = V.Load(y + i) * (V.Load(dy + i) - dot);
            V.Store(accumulate ? value + V.Load(dx + i) : value, dx + i);
        }

        if (i < n)
        {
            V value = V.LoadPartial(y + i, n - i) * (V.LoadPartial(dy + i, n - i) - dot);
            V.StorePartial(accumulate ? value + V.LoadPartial(dx + i, n - i) : value, dx + i, n - i);
        }
    }

    /// <summary>dx = dy - e^y Σ dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LogSoftmaxBackward(float* y, float* dy, float* dx, bool accumulate, int n)
    {
        V sum = V.Create(-(float)RowSums<V>.Sum(dy, n));
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V value = V.MultiplyAdd(VectorMath<V>.Exp(V.Load(y + i)), sum, V.Load(dy + i));
            V.Store(accumulate ? value + V.Load(dx + i) : value, dx + i);
        }

        if (i < n)
        {
            V value = V.MultiplyAdd(VectorMath<V>.Exp(V.LoadPartial(y + i, n - i)), sum, V.LoadPartial(dy + i, n - i));
            V.StorePartial(accumulate ? value + V.LoadPartial(dx + i, n - i) : value, dx + i, n - i);
        }
    }

    /// <summary>Largest element. NaNs may be passed over: they reach the result through the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Max(float* x, int n)
    {
        V lowest = V.Create(float.NegativeInfinity);
        V m0 = lowest, m1 = lowest, m2 = lowest, m3 = lowest;
        int i = 0;
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            m0 = V.Max(V.Load(x + i), m0);
            m1 = V.Max(V.Load(x + i + V.Count), m1);
            m2 = V.Max(V.Load(x + i + (2 * V.Count)), m2);
            m3 = V.Max(V.Load(x + i + (3 * V.Count)), m3);
        }

        for (; i <= n - V.Count; i += V.Count)
            m0 = V.Max(V.Load(x + i), m0);
        if (i < n)
            m1 = V.Max(V.Select(Lanes<V>.First(n - i), V.LoadPartial(x + i, n - i), lowest), m1);
        return V.MaxAcross(V.Max(V.Max(m0, m1), V.Max(m2, m3)));
    }

    /// <summary>Whether the exponentials are stored.</summary>
    private interface IStored
    {
        static abstract bool Value { get; }
    }

    private readonly struct Keep : IStored
    {
        public static bool Value => true;
    }

    private readonly struct Drop : IStored
    {
        public static bool Value => false;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float ExpSum<TStored>(float* x, float* y, V top, int n)
        where TStored : IStored
    {
        V s0 = V.Zero, s1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V e0 = VectorMath<V>.Exp(V.Load(x + i) - top);
            V e1 = VectorMath<V>.Exp(V.Load(x + i + V.Count) - top);
            s0 = s0 + e0;
            s1 = s1 + e1;
            if (TStored.Value)
            {
                V.Store(e0, y + i);
                V.Store(e1, y + i + V.Count);
            }
        }

        if (i <= n - V.Count)
        {
            V e = VectorMath<V>.Exp(V.Load(x + i) - top);
            s0 = s0 + e;
            if (TStored.Value)
                V.Store(e, y + i);
            i += V.Count;
        }

        if (i < n)
        {
            V e = VectorMath<V>.Exp(V.LoadPartial(x + i, n - i) - top);
            s1 = s1 + V.Select(Lanes<V>.First(n - i), e, V.Zero);
            if (TStored.Value)
                V.StorePartial(e, y + i, n - i);
        }

        return V.Sum(s0 + s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SubtractBoth(float* x, float* y, float first, float second, int n)
    {
        V a = V.Create(first), b = V.Create(second);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(V.Load(x + i) - a - b, y + i);
        if (i < n)
            V.StorePartial(V.LoadPartial(x + i, n - i) - a - b, y + i, n - i);
    }
}
