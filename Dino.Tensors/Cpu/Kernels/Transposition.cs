using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Transposes strided rows x [R, C] into y [C, R'], R' = R rounded up to whole vectors with zeros in the padding. Lanes are rows of x,
/// four columns at a time; the last rows go through a block padded with zeros, columns beyond fours are moved one by one. Reads nothing
/// but the R rows of C.
/// </summary>
internal static unsafe class Transposition<V> where V : struct, IVec<V>
{
    private const int BlockColumns = 4;
    private const int LargestBlock = 16 * BlockColumns;

    /// <param name="ldx">Elements between rows of x.</param>
    /// <param name="ldy">Elements between rows of y, R' at least.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    public static void Run(float* x, nint ldx, int rows, int columns, float* y, nint ldy)
    {
        int blocks = Transposes.IsSupported(V.Count) ? columns - (columns % BlockColumns) : 0, i = 0;
        for (; i + V.Count <= rows; i += V.Count)
        {
            for (int j = 0; j < blocks; j += BlockColumns)
                Transposes.Run(V.Count, x + (i * ldx) + j, ldx, y + (j * ldy) + i, ldy);
        }

        if (rows - i == 1)
        {
            // A class token beside a square of patches: one row above a multiple of sixteen.
            for (int j = 0; j < columns; j++)
                V.Store(V.LoadPartial(x + (i * ldx) + j, 1), y + (j * ldy) + i);
        }
        else if (i < rows)
        {
            float* padded = stackalloc float[LargestBlock];
            new Span<float>(padded, LargestBlock).Clear();
            for (int j = 0; j < blocks; j += BlockColumns)
            {
                for (int r = i; r < rows; r++)
                    Vector128.Load(x + (r * ldx) + j).Store(padded + ((r - i) * BlockColumns));
                Transposes.Run(V.Count, padded, BlockColumns, y + (j * ldy) + i, ldy);
            }

            for (int j = blocks; j < columns; j++)
                V.Store(V.Zero, y + (j * ldy) + i);
        }

        for (int j = blocks; j < columns; j++)
        {
            for (int r = 0; r < rows; r++)
                y[(j * ldy) + r] = x[(r * ldx) + j];
        }
    }
}
