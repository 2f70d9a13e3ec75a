using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>
/// Packs part of b into a panel: k-major, <c>vectors · V.Count</c> columns a row, missing columns zero. The microkernel then reads it front to
/// back with full vectors.
/// </summary>
internal static unsafe class Panels<V>
    where V : struct, IVec<V>
{
    /// <summary>Packs rows of a b stored [K, N].</summary>
    /// <param name="b">First element wanted.</param>
    /// <param name="columns">Columns wanted, at most <c>vectors · V.Count</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyRows(float* b, nint strideB, int depth, int columns, int vectors, float alpha, float* panel)
    {
        int full = columns / V.Count, tail = columns - full * V.Count;
        V scale = V.Create(alpha);
        for (int k = 0; k < depth; k++)
        {
            for (int v = 0; v < full; v++)
                V.Store(V.Load(b + v * V.Count) * scale, panel + v * V.Count);
            if (tail != 0)
                V.Store(V.LoadPartial(b + full * V.Count, tail) * scale, panel + full * V.Count);
            b += strideB;
            panel += vectors * V.Count;
        }
    }

    /// <summary>Packs columns of a b stored [N, K], through transposes of [V.Count, 4] blocks in registers.</summary>
    /// <param name="isFar">Whether b comes from memory, so that asking ahead pays for itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyColumns(float* b, nint strideB, int depth, int columns, int vectors, float alpha, float* panel, bool isFar = false)
    {
        int width = vectors * V.Count;
        for (int v = 0; v < vectors; v++)
        {
            int lanes = Math.Clamp(columns - v * V.Count, 0, V.Count);
            float* source = b + v * V.Count * strideB;
            float* target = panel + v * V.Count;
            int k = 0;
            if (lanes == V.Count && Transposes.IsSupported(V.Count))
            {
                float* next = source + V.Count * strideB;
                for (; k <= depth - 4; k += 4)
                {
                    if (isFar)
                        FetchRows(next + (k & -16) + (k & 12) / 4 * (V.Count / 4) * strideB, strideB);
                    Transposes.Run(V.Count, source + k, strideB, target + k * width, width);
                }
            }

            for (; k < depth; k++)
            {
                for (int j = 0; j < lanes; j++)
                    target[k * width + j] = source[j * strideB + k];
                for (int j = lanes; j < V.Count; j++)
                    target[k * width + j] = 0;
            }
        }

        if (alpha != 1)
            Scale(panel, (nint)depth * width, alpha);
    }

    /// <summary>A quarter of the next rows: they are a stride apart, which the hardware does not foresee.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchRows(float* b, nint strideB)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < V.Count / 4; i++)
                Sse.Prefetch0(b + i * strideB);
        }
    }

    private static void Scale(float* panel, nint count, float alpha)
    {
        V scale = V.Create(alpha);
        for (nint i = 0; i < count; i += V.Count)
            V.Store(V.Load(panel + i) * scale, panel + i);
    }
}
