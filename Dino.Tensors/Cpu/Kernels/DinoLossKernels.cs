using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Loops of the DINO cross-entropy over one block of at most <see cref="Block"/> prototypes. z = teacher - centre. Lanes are prototypes; a masked
/// tail adds nothing to sums, and targets q are zero up to the whole vector, so that loops over scratch have no tail.
/// </summary>
/// <remarks>A block is summed in two vectors of F32 lanes, at most 128 additions in a chain at 128 bits; callers add the blocks in double.</remarks>
internal static unsafe class DinoLossKernels<V> where V : struct, IVec<V>
{
    public const int Block = 1024;

    private static V Lowest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Create(float.NegativeInfinity);
    }

    /// <summary>max x. NaN may be passed over: it reaches the result through the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max(float* x, int n)
    {
        V a = Lowest, b = Lowest, c = Lowest, d = Lowest;
        int i = 0;
        for (; i <= n - (4 * V.Count); i += 4 * V.Count)
        {
            a = V.Max(a, V.Load(x + i));
            b = V.Max(b, V.Load(x + i + V.Count));
            c = V.Max(c, V.Load(x + i + (2 * V.Count)));
            d = V.Max(d, V.Load(x + i + (3 * V.Count)));
        }

        for (; i <= n - V.Count; i += V.Count)
            a = V.Max(a, V.Load(x + i));
        if (i < n)
            b = V.Max(b, V.Select(Lanes<V>.First(n - i), V.LoadPartial(x + i, n - i), Lowest));
        return V.MaxAcross(V.Max(V.Max(a, b), V.Max(c, d)));
    }

    /// <summary>max z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float CentredMax(float* teacher, float* centre, int n)
    {
        V a = Lowest, b = Lowest;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            a = V.Max(a, V.Load(teacher + i) - V.Load(centre + i));
            b = V.Max(b, V.Load(teacher + i + V.Count) - V.Load(centre + i + V.Count));
        }

        for (; i < n; i += V.Count)
        {
            int left = Math.Min(V.Count, n - i);
            a = V.Max(a, V.Select(Lanes<V>.First(left), V.LoadPartial(teacher + i, left) - V.LoadPartial(centre + i, left), Lowest));
        }

        return V.MaxAcross(V.Max(a, b));
    }

    /// <summary>Σ exp(rate (z - shift)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float CentredExpSum(float* teacher, float* centre, int n, float shift, float rate)
    {
        V top = V.Create(shift), factor = V.Create(rate), a = V.Zero, b = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            a += VectorMath<V>.Exp((V.Load(teacher + i) - V.Load(centre + i) - top) * factor);
            b += VectorMath<V>.Exp((V.Load(teacher + i + V.Count) - V.Load(centre + i + V.Count) - top) * factor);
        }

        for (; i < n; i += V.Count)
        {
            int left = Math.Min(V.Count, n - i);
            V e = VectorMath<V>.Exp((V.LoadPartial(teacher + i, left) - V.LoadPartial(centre + i, left) - top) * factor);
            a += V.Select(Lanes<V>.First(left), e, V.Zero);
        }

        return V.Sum(a + b);
    }

    /// <summary>q = scale · exp(x), x = rate (z - shift); gives Σ q and Σ q x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Targets(float* teacher, float* centre, int n, float shift, float rate, float scale, float* q, out float sum, out float moment)
    {
        V top = V.Create(shift), factor = V.Create(rate), norm = V.Create(scale), s0 = V.Zero, s1 = V.Zero, m0 = V.Zero, m1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V x0 = (V.Load(teacher + i) - V.Load(centre + i) - top) * factor;
            V x1 = (V.Load(teacher + i + V.Count) - V.Load(centre + i + V.Count) - top) * factor;
            V q0 = VectorMath<V>.Exp(x0) * norm;
            V q1 = VectorMath<V>.Exp(x1) * norm;
            V.Store(q0, q + i);
            V.Store(q1, q + i + V.Count);
            s0 += q0;
            s1 += q1;
            m0 = V.MultiplyAdd(q0, x0, m0);
            m1 = V.MultiplyAdd(q1, x1, m1);
        }

        for (; i < n; i += V.Count)
        {
            int left = Math.Min(V.Count, n - i);
            V x = (V.LoadPartial(teacher + i, left) - V.LoadPartial(centre + i, left) - top) * factor;
            x = V.Select(Lanes<V>.First(left), x, V.Zero);
            V value = V.Select(Lanes<V>.First(left), VectorMath<V>.Exp(x) * norm, V.Zero);
            V.Store(value, q + i);
            s0 += value;
            m0 = V.MultiplyAdd(value, x, m0);
        }

        sum = V.Sum(s0 + s1);
        moment = V.Sum(m0 + m1);
    }

    /// <summary>y = Σ of the target blocks q [count, <see cref="Block"/>] but one (none left out where <paramref name="excluded"/> is no block).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumOthers(float* q, int count, int excluded, int n, float* y)
    {
        for (int i = 0; i < n; i += V.Count)
        {
            V sum = V.Zero;
            for (int t = 0; t < count; t++)
            {
                if (t != excluded)
                    sum += V.Load(q + (t * Block) + i);
            }

            V.Store(sum, y + i);
        }
    }

    /// <summary>Gives Σ exp(rate v) and Σ q v, v = student - shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StudentSums(float* student, float* q, int n, float shift, float rate, out float sum, out float dot)
    {
        V top = V.Create(shift), factor = V.Create(rate), s0 = V.Zero, s1 = V.Zero, d0 = V.Zero, d1 = V.Zero;
        int i = 0;
        for (; i <= n - (2 * V.Count); i += 2 * V.Count)
        {
            V v0 = V.Load(student + i) - top;
            V v1 = V.Load(student + i + V.Count) - top;
            s0 += VectorMath<V>.Exp(v0 * factor);
            s1 += VectorMath<V>.Exp(v1 * factor);
            d0 = V.MultiplyAdd(V.Load(q + i), v0, d0);
            d1 = V.MultiplyAdd(V.Load(q + i + V.Count), v1, d1);
        }

        for (; i < n; i += V.Count)
        {
            int left = Math.Min(V.Count, n - i);
            V v = V.LoadPartial(student + i, left) - top;
            s0 += V.Select(Lanes<V>.First(left), VectorMath<V>.Exp(v * factor), V.Zero);
            d0 = V.MultiplyAdd(V.Load(q + i), v, d0);
        }

        sum = V.Sum(s0 + s1);
        dot = V.Sum(d0 + d1);
    }

    /// <summary>q = exp(rate (teacher - centre - shift)) · norm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Targets(float* teacher, float* centre, int n, float shift, float rate, float norm, float* q)
    {
        V top = V.Create(shift), factor = V.Create(rate), scale = V.Create(norm);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(VectorMath<V>.Exp((V.Load(teacher + i) - V.Load(centre + i) - top) * factor) * scale, q + i);
        if (i < n)
        {
            V z = V.LoadPartial(teacher + i, n - i) - V.LoadPartial(centre + i, n - i);
            V.Store(VectorMath<V>.Exp((z - top) * factor) * scale, q + i);
        }
    }

    /// <summary>dy = gain (weight · exp(rate (student - shift)) · norm - q), or += it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void StudentGradient(float* student, float* q, int n, float shift, float rate, float norm, float weight, float gain, bool accumulate, float* dy)
    {
        V top = V.Create(shift), factor = V.Create(rate), probabilityGain = V.Create(weight * gain * norm), targetGain = V.Create(-gain);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V p = VectorMath<V>.Exp((V.Load(student + i) - top) * factor);
            V gradient = V.MultiplyAdd(p, probabilityGain, V.Load(q + i) * targetGain);
            V.Store(accumulate ? gradient + V.Load(dy + i) : gradient, dy + i);
        }

        if (i < n)
        {
            V p = VectorMath<V>.Exp((V.LoadPartial(student + i, n - i) - top) * factor);
            V gradient = V.MultiplyAdd(p, probabilityGain, V.Load(q + i) * targetGain);
            V.StorePartial(accumulate ? gradient + V.LoadPartial(dy + i, n - i) : gradient, dy + i, n - i);
        }
    }
}
