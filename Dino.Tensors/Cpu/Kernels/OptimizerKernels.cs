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

/// <summary>The average that moves with the parameters of a run: f = keep · f + fresh · p once p is updated. Null where nobody follows.</summary>
internal unsafe struct Follower
{
    public float* F;
    public float Keep, Fresh;
}

/// <summary>
/// Optimizer steps over a run of n elements: p parameter, g gradient, taken times clip, m and v moments, u momentum. Lanes are elements; a tail is masked.
/// </summary>
internal static unsafe class OptimizerKernels<V> where V : struct, IVec<V>
{
    /// <summary>Kingma and Ba 2015, with the decay of Loshchilov and Hutter 2019 in <see cref="AdamCoefficients.Shrink"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Adam(float* p, float* g, float* m, float* v, in AdamCoefficients coefficients, float clip, Follower follower, int n)
    {
        AdamCoefficients c = coefficients;
        V factor = V.Create(clip), keep = V.Create(follower.Keep), fresh = V.Create(follower.Fresh);
        float* f = follower.F;
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V first = V.Load(m + i), second = V.Load(v + i);
            V weight = Adam(V.Load(p + i), V.Load(g + i) * factor, ref first, ref second, c);
            V.Store(first, m + i);
            V.Store(second, v + i);
            V.Store(weight, p + i);
            if (f != null)
                V.Store(V.MultiplyAdd(fresh, weight, keep * V.Load(f + i)), f + i);
        }

        if (i < n)
        {
            int count = n - i;
            V first = V.LoadPartial(m + i, count), second = V.LoadPartial(v + i, count);
            V weight = Adam(V.LoadPartial(p + i, count), V.LoadPartial(g + i, count) * factor, ref first, ref second, c);
            V.StorePartial(first, m + i, count);
            V.StorePartial(second, v + i, count);
            V.StorePartial(weight, p + i, count);
            if (f != null)
                V.StorePartial(V.MultiplyAdd(fresh, weight, keep * V.LoadPartial(f + i, count)), f + i, count);
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

    /// <summary>p -= rate · (clip · g + decay · p).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Descend(float* p, float* g, float decay, float rate, float clip, Follower follower, int n)
    {
        V shrink = V.Create(decay), step = V.Create(-rate), factor = V.Create(clip);
        for (int i = 0; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V weight = Lanes<V>.Load(p + i, count);
            V gradient = V.MultiplyAdd(weight, shrink, Lanes<V>.Load(g + i, count) * factor);
            weight = V.MultiplyAdd(gradient, step, weight);
            Lanes<V>.Store(weight, p + i, count);
            Follow(weight, follower, i, count);
        }
    }

    /// <summary>
    /// d = factor · (clip · g + decay · p); u = keep · u + fresh · d, or d alone at the first step (c.IsFirst); p -= rate · (u, or with nesterov d + keep · u).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Momentum(float* p, float* g, float* u, in MomentumCoefficients c, Follower follower, int n)
    {
        V clip = V.Create(c.Clip), decay = V.Create(c.Decay), factor = V.Create(c.Factor), keep = V.Create(c.Keep), fresh = V.Create(c.Fresh), step = V.Create(-c.Rate);
        bool isFirst = c.IsFirst, nesterov = c.Nesterov;
        for (int i = 0; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V weight = Lanes<V>.Load(p + i, count);
            V gradient = V.MultiplyAdd(weight, decay, Lanes<V>.Load(g + i, count) * clip) * factor;
            V speed = isFirst ? gradient : V.MultiplyAdd(Lanes<V>.Load(u + i, count), keep, gradient * fresh);
            Lanes<V>.Store(speed, u + i, count);
            V direction = nesterov ? V.MultiplyAdd(speed, keep, gradient) : speed;
            weight = V.MultiplyAdd(direction, step, weight);
            Lanes<V>.Store(weight, p + i, count);
            Follow(weight, follower, i, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Follow(V weight, Follower follower, int i, int count)
    {
        if (follower.F != null)
            Lanes<V>.Store(V.MultiplyAdd(V.Create(follower.Fresh), weight, V.Create(follower.Keep) * Lanes<V>.Load(follower.F + i, count)), follower.F + i, count);
    }

    /// <summary>Σ (clip · g + decay · p)².</summary>
    public static double UpdateSquares(float* p, float* g, float decay, float clip, int n)
    {
        double sum = 0;
        for (int start = 0; start < n; start += RowSums<V>.Block)
            sum += UpdateBlock(p + start, g + start, decay, clip, Math.Min(RowSums<V>.Block, n - start));
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float UpdateBlock(float* p, float* g, float decay, float clip, int n)
    {
        V shrink = V.Create(decay), factor = V.Create(clip), s0 = V.Zero, s1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V d0 = V.MultiplyAdd(V.Load(p + i), shrink, V.Load(g + i) * factor);
            V d1 = V.MultiplyAdd(V.Load(p + i + V.Count), shrink, V.Load(g + i + V.Count) * factor);
            s0 = V.MultiplyAdd(d0, d0, s0);
            s1 = V.MultiplyAdd(d1, d1, s1);
        }

        for (; i < n; i += V.Count)
        {
            int count = Math.Min(V.Count, n - i);
            V d = V.MultiplyAdd(Lanes<V>.Load(p + i, count), shrink, Lanes<V>.Load(g + i, count) * factor);
            s0 = V.MultiplyAdd(d, d, s0);
        }

        return V.Sum(s0 + s1);
    }
}

/// <summary>The numbers of a momentum step; see <see cref="OptimizerKernels{V}.Momentum"/>.</summary>
internal struct MomentumCoefficients
{
    public float Clip, Decay, Factor, Keep, Fresh, Rate;
    public bool IsFirst, Nesterov;
}
