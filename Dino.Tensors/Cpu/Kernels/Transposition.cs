using System.Runtime.CompilerServices;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Transposes strided rows x [R, C] into y [C, R'], R' = R rounded up to whole vectors with zeros in the padding. Lanes are rows of x,
/// four columns at a time; rows and columns that fill no such block are moved one element at a time. Reads nothing but the R rows of C.
/// </summary>
internal static unsafe class Transposition<V> where V : struct, IVec<V>
{
    private const int BlockColumns = 4;

    /// <param name="ldx">Elements between rows of x.</param>
    /// <param name="ldy">Elements between rows of y, R' at least.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* x, nint ldx, int rows, int columns, float* y, nint ldy)
    {
        int blocks = Transposes.IsSupported(V.Count) ? columns - (columns % BlockColumns) : 0, i = 0;
        for (; i + V.Count <= rows; i += V.Count)
        {
            float* source = x + (i * ldx);
            for (int j = 0; j < blocks; j += BlockColumns)
                Transposes.Run(V.Count, source + j, ldx, y + (j * ldy) + i, ldy);
            Elements(source + blocks, ldx, V.Count, columns - blocks, y + (blocks * ldy) + i, ldy);
        }

        if (i == rows)
            return;
        for (int j = 0; j < columns; j++)
            V.Store(V.Zero, y + (j * ldy) + i);
        Elements(x + (i * ldx), ldx, rows - i, columns, y + i, ldy);
    }

    private static void Elements(float* x, nint ldx, int rows, int columns, float* y, nint ldy)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
                y[(j * ldy) + i] = x[(i * ldx) + j];
        }
    }
}
