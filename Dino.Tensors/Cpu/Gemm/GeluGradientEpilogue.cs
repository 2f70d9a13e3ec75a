using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Turns the gradient of what GELU made, the product, into the gradient of what it was applied to, and makes its values again on the way.</summary>
/// <param name="x">[M, N]: what GELU was applied to.</param>
/// <param name="values">[M, N]: GELU of it.</param>
/// <param name="gradient">[M, N]: product · GELU'(x).</param>
/// <param name="stride">From one row of all three to the next.</param>
internal readonly unsafe struct GeluGradientEpilogue<V>(float* x, float* values, float* gradient, nint stride) : IEpilogue
    where V : struct, IVec<V>
{
    public static bool Exists => true;

    public bool MovesRows => false;

    public void Prepare(int row, int column, int rows, int columns) { }

    /// <remarks>A tile visits a row a few cache lines at a time, which hardware does not foresee.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fetch(int row, int column, int rows, int columns)
    {
        if (!Sse.IsSupported)
            return;
        float* from = x + (row * stride) + column;
        for (int i = 0; i < rows; i++, from += stride)
        {
            for (int j = 0; j < columns; j += StreamFetch.Line)
                Sse.Prefetch0(from + j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(void* sums, nint sumStride, int row, int column, int rows, int columns)
    {
        float* from = (float*)sums;
        nint offset = (row * stride) + column;
        for (int i = 0; i < rows; i++, from += sumStride, offset += stride)
        {
            for (int j = 0; j < columns; j += V.Count)
            {
                int lanes = Math.Min(V.Count, columns - j);
                V derivative = VectorMath<V>.GeluDerivative(Lanes<V>.Load(x + offset + j, lanes), out V value);
                Lanes<V>.Store(value, values + offset + j, lanes);
                Lanes<V>.Store(Lanes<V>.Load(from + j, lanes) * derivative, gradient + offset + j, lanes);
            }
        }
    }
}
