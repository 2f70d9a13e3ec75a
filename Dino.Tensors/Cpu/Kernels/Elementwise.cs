using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// The traversals of elementwise work on contiguous F32. Every element sees the same operations whether it falls in the body or in
/// the masked tail, so results do not depend on where a range is cut. Outputs may be the inputs themselves, but not overlap them shifted.
/// </summary>
internal static unsafe class Elementwise<V> where V : struct, IVec<V>
{
    /// <summary>y = op(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Map<TOperator>(float* x, float* y, long n, float a, float b)
        where TOperator : struct, IUnaryOperator<V>
    {
        V va = V.Create(a), vb = V.Create(b);
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(TOperator.Apply(V.Load(x + i), va, vb), y + i);
        int rest = (int)(n - i);
        if (rest > 0)
            V.StorePartial(TOperator.Apply(V.LoadPartial(x + i, rest), va, vb), y + i, rest);
    }

    /// <summary>dx = op's pull of dy, or dx += it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pull<TOperator>(float* x, float* y, float* dy, float* dx, bool accumulate, long n, float a, float b)
        where TOperator : struct, IUnaryOperator<V>
    {
        V va = V.Create(a), vb = V.Create(b);
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V vx = TOperator.PullReadsInput ? V.Load(x + i) : V.Zero;
            V vy = TOperator.PullReadsResult ? V.Load(y + i) : V.Zero;
            V result = TOperator.Pull(V.Load(dy + i), vx, vy, va, vb);
            V.Store(accumulate ? V.Load(dx + i) + result : result, dx + i);
        }

        int rest = (int)(n - i);
        if (rest > 0)
        {
            V vx = TOperator.PullReadsInput ? V.LoadPartial(x + i, rest) : V.Zero;
            V vy = TOperator.PullReadsResult ? V.LoadPartial(y + i, rest) : V.Zero;
            V result = TOperator.Pull(V.LoadPartial(dy + i, rest), vx, vy, va, vb);
            V.StorePartial(accumulate ? V.LoadPartial(dx + i, rest) + result : result, dx + i, rest);
        }
    }

    /// <summary>y = a op b, element by element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Zip<TOperator>(float* a, float* b, float* y, long n)
        where TOperator : struct, IBinaryOperator<V>
    {
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(TOperator.Apply(V.Load(a + i), V.Load(b + i)), y + i);
        int rest = (int)(n - i);
        if (rest > 0)
            V.StorePartial(TOperator.Apply(V.LoadPartial(a + i, rest), V.LoadPartial(b + i, rest)), y + i, rest);
    }

    /// <summary>y = a op b for one b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ZipScalar<TOperator>(float* a, float b, float* y, long n)
        where TOperator : struct, IBinaryOperator<V>
    {
        V vb = V.Create(b);
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(TOperator.Apply(V.Load(a + i), vb), y + i);
        int rest = (int)(n - i);
        if (rest > 0)
            V.StorePartial(TOperator.Apply(V.LoadPartial(a + i, rest), vb), y + i, rest);
    }

    /// <summary>y = alpha x + beta y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Axpby(float alpha, float* x, float beta, float* y, long n)
    {
        V va = V.Create(alpha), vb = V.Create(beta);
        long i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(V.MultiplyAdd(va, V.Load(x + i), vb * V.Load(y + i)), y + i);
        int rest = (int)(n - i);
        if (rest > 0)
            V.StorePartial(V.MultiplyAdd(va, V.LoadPartial(x + i, rest), vb * V.LoadPartial(y + i, rest)), y + i, rest);
    }
}
