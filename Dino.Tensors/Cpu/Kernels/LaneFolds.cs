using System.Runtime.CompilerServices;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Folds every row of lanes [R, vector] to one number, y [R], a vector of rows at a time: a transpose in registers, then plain vertical
/// operations, half the cost of folding row by row. R is rounded up to whole vectors: x and y are that large, and what the
/// rows beyond R hold only reaches the results beyond R. Lanes are folded in one order, four by four.
/// </summary>
internal static unsafe class LaneFolds<V> where V : struct, IVec<V>
{
    private const int LargestSquare = 16 * 16;

    /// <summary>y = largest lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Max(float* x, int rows, float* y)
    {
        float* square = stackalloc float[LargestSquare];
        for (int i = 0; i < rows; i += V.Count)
        {
            Transpose(x + (i * V.Count), square);
            V a = V.Load(square), b = V.Load(square + V.Count), c = V.Load(square + (2 * V.Count)), d = V.Load(square + (3 * V.Count));
            for (int lane = 4; lane < V.Count; lane += 4)
            {
                float* lanes = square + (lane * V.Count);
                a = V.Max(a, V.Load(lanes));
                b = V.Max(b, V.Load(lanes + V.Count));
                c = V.Max(c, V.Load(lanes + (2 * V.Count)));
                d = V.Max(d, V.Load(lanes + (3 * V.Count)));
            }

            V.Store(V.Max(V.Max(a, b), V.Max(c, d)), y + i);
        }
    }

    /// <summary>y = sum of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Sum(float* x, int rows, float* y)
    {
        float* square = stackalloc float[LargestSquare];
        for (int i = 0; i < rows; i += V.Count)
        {
            Transpose(x + (i * V.Count), square);
            V a = V.Load(square), b = V.Load(square + V.Count), c = V.Load(square + (2 * V.Count)), d = V.Load(square + (3 * V.Count));
            for (int lane = 4; lane < V.Count; lane += 4)
            {
                float* lanes = square + (lane * V.Count);
                a += V.Load(lanes);
                b += V.Load(lanes + V.Count);
                c += V.Load(lanes + (2 * V.Count));
                d += V.Load(lanes + (3 * V.Count));
            }

            V.Store((a + b) + (c + d), y + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* x, float* square)
    {
        if (Transposes.IsSupported(V.Count))
        {
            for (int j = 0; j < V.Count; j += 4)
                Transposes.Run(V.Count, x + j, V.Count, square + (j * V.Count), V.Count);
            return;
        }

        for (int i = 0; i < V.Count * V.Count; i++)
            square[i] = x[(i % V.Count * V.Count) + (i / V.Count)];
    }
}
