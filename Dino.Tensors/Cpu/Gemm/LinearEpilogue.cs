using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>An activation as a type argument.</summary>
internal interface IActivation<V>
    where V : struct, IVec<V>
{
    static abstract V Apply(V x);
}

internal readonly struct IdentityActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => x;
}

internal readonly struct GeluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => VectorMath<V>.Gelu(x);
}

internal readonly struct ReluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    // Not V.Max: which operand of a maximum survives a NaN depends on the hardware. A comparison with NaN is false, so NaN stays.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => V.Select(V.LessThan(x, V.Zero), V.Zero, x);
}

/// <summary>y = activation(y + bias), the sum kept beside it for the backward pass when someone wants it.</summary>
/// <param name="bias">[N] or null.</param>
/// <param name="preActivation">[M, N] with the stride of y, or null.</param>
internal readonly unsafe struct LinearEpilogue<V, TActivation>(float* bias, float* preActivation) : IEpilogue
    where V : struct, IVec<V>
    where TActivation : struct, IActivation<V>
{
    public static bool Exists => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* tile, nint strideY, int row, int column, int rows, int columns)
    {
        float* kept = preActivation == null ? null : preActivation + row * strideY + column;
        for (int i = 0; i < rows; i++)
        {
            int j = 0;
            for (; j <= columns - V.Count; j += V.Count)
            {
                V x = V.Load(tile + j);
                if (bias != null)
                    x = x + V.Load(bias + column + j);
                if (kept != null)
                    V.Store(x, kept + j);
                V.Store(TActivation.Apply(x), tile + j);
            }

            if (j < columns)
            {
                V x = V.LoadPartial(tile + j, columns - j);
                if (bias != null)
                    x = x + V.LoadPartial(bias + column + j, columns - j);
                if (kept != null)
                    V.StorePartial(x, kept + j, columns - j);
                V.StorePartial(TActivation.Apply(x), tile + j, columns - j);
            }

            tile += strideY;
            if (kept != null)
                kept += strideY;
        }
    }
}
