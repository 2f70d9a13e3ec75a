using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>Rows scaled by a norm, and the gradient of that; lanes run along the row [n], a tail is masked.</summary>
internal static unsafe class NormalizeKernels<V> where V : struct, IVec<V>
{
    /// <summary>y = x · factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* x, float factor, float* y, int n)
    {
        V scale = V.Create(factor);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(V.Load(x + i) * scale, y + i);
        if (i < n)
            V.StorePartial(V.LoadPartial(x + i, n - i) * scale, y + i, n - i);
    }

    /// <summary>dx = scale · (dy - x · projection).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ProjectOut(float* x, float* dy, float projection, float scale, float* dx, bool accumulate, int n)
    {
        V along = V.Create(-projection), factor = V.Create(scale);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V value = V.MultiplyAdd(V.Load(x + i), along, V.Load(dy + i)) * factor;
            V.Store(accumulate ? value + V.Load(dx + i) : value, dx + i);
        }

        if (i < n)
        {
            V value = V.MultiplyAdd(V.LoadPartial(x + i, n - i), along, V.LoadPartial(dy + i, n - i)) * factor;
            V.StorePartial(accumulate ? value + V.LoadPartial(dx + i, n - i) : value, dx + i, n - i);
        }
    }
}
