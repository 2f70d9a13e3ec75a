using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>The numbers of an Adam step that are the same for a whole segment, all worked out in double.</summary>
internal struct AdamCoefficients
{
    /// <summary>1 - lr · decay where decay is decoupled, else 1.</summary>
    public float Shrink;

    /// <summary>Decay that is added to the gradient, else 0.</summary>
    public float Decay;

    /// <summary>lr / (1 - beta1^step).</summary>
    public float StepSize;

    /// <summary>1 / sqrt(1 - beta2^step).</summary>
    public float RootCorrection;

    /// <summary>beta1, 1 - beta1, beta2, 1 - beta2.</summary>
    public float Beta1, Fresh1, Beta2, Fresh2;

    public float Epsilon;
}

/// <summary>Optimizer steps over a run of n elements: p parameter, g gradient, m and v moments, u momentum. Lanes are elements; a tail is masked.</summary>
internal static unsafe class OptimizerKernels<V> where V : struct, IVec<V>
{
    /// <summary>Kingma and Ba 2015, with the decay of Loshchilov and Hutter 2019 in <see cref="AdamCoefficients.Shrink"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Adam(float* p, float* g, float* m, float* v, in AdamCoefficients coefficients, int n)
    {
        AdamCoefficients c = coefficients;
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V first = V.Load(m + i), second = V.Load(v + i);
            V weight = Adam(V.Load(p + i), V.Load(g + i), ref first, ref second, c);
            V.Store(first, m + i);
            V.Store(second, v + i);
            V.Store(weight, p + i);
        }

        if (i < n)
        {
            int count = n - i;
            V first = V.LoadPartial(m + i, count), second = V.LoadPartial(v + i, count);
            V weight = Adam(V.LoadPartial(p + i, count), V.LoadPartial(g + i, count), ref first, ref second, c);
            V.StorePartial(first, m + i, count);
            V.StorePartial(second, v + i, count);
            V.StorePartial(weight, p + i, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Adam(V p, V g, ref V m, ref V v, in AdamCoefficients c)
    {
        g = V.MultiplyAdd(p, V.Create(c.Decay), g);
        m = V.MultiplyAdd(m, V.Create(c.Beta1), g * V.Create(c.Fresh1));
        v = V.MultiplyAdd(v, V.Create(c.Beta2), g * g * V.Create(c.Fresh2));
        V denominator = V.MultiplyAdd(V.Sqrt(v), V.Create(c.RootCorrection), V.Create(c.Epsilon));
        return V.MultiplyAdd(p, V.Create(c.Shrink), V.Create(-c.StepSize) * m / denominator);
    }

    /// <summary>p -= rate · (g + decay · p).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Descend(float* p, float* g, float decay, float rate, int n)
    {
        V shrink = V.Create(decay), step = V.Create(-rate);
        for (int i = 0; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V weight = Lanes<V>.Load(p + i, count);
            V gradient = V.MultiplyAdd(weight, shrink, Lanes<V>.Load(g + i, count));
            Lanes<V>.Store(V.MultiplyAdd(gradient, step, weight), p + i, count);
        }
    }

    /// <summary>
    /// d = factor · (g + decay · p); u = keep · u + fresh · d, or d alone at the first step (c.IsFirst); p -= rate · (u, or with nesterov d + keep · u).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Momentum(float* p, float* g, float* u, in MomentumCoefficients c, int n)
    {
        V decay = V.Create(c.Decay), factor = V.Create(c.Factor), keep = V.Create(c.Keep), fresh = V.Create(c.Fresh), step = V.Create(-c.Rate);
        bool isFirst = c.IsFirst, nesterov = c.Nesterov;
        for (int i = 0; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V weight = Lanes<V>.Load(p + i, count);
            V gradient = V.MultiplyAdd(weight, decay, Lanes<V>.Load(g + i, count)) * factor;
            V speed = isFirst ? gradient : V.MultiplyAdd(Lanes<V>.Load(u + i, count), keep, gradient * fresh);
            Lanes<V>.Store(speed, u + i, count);
            V direction = nesterov ? V.MultiplyAdd(speed, keep, gradient) : speed;
            Lanes<V>.Store(V.MultiplyAdd(direction, step, weight), p + i, count);
        }
    }

    /// <summary>Σ (g + decay · p)².</summary>
    public static double UpdateSquares(float* p, float* g, float decay, int n)
    {
        double sum = 0;
        for (int start = 0; start < n; start += RowSums<V>.Block)
            sum += UpdateBlock(p + start, g + start, decay, Math.Min(RowSums<V>.Block, n - start));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float UpdateBlock(float* p, float* g, float decay, int n)
    {
        V shrink = V.Create(decay), s0 = V.Zero, s1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V d0 = V.MultiplyAdd(V.Load(p + i), shrink, V.Load(g + i));
            V d1 = V.MultiplyAdd(V.Load(p + i + V.Count), shrink, V.Load(g + i + V.Count));
            s0 = V.MultiplyAdd(d0, d0, s0);
            s1 = V.MultiplyAdd(d1, d1, s1);
        }

        for (; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V d = V.MultiplyAdd(Lanes<V>.Load(p + i, count), shrink, Lanes<V>.Load(g + i, count));
            s0 = V.MultiplyAdd(d, d, s0);
        }

        return V.Sum(s0 + s1);
    }
}

/// <summary>The numbers of a momentum step; see <see cref="OptimizerKernels{V}.Momentum"/>.</summary>
internal struct MomentumCoefficients
{
    public float Decay, Factor, Keep, Fresh, Rate;
    public bool IsFirst, Nesterov;
}
