using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Passes over a block of y, [rows, columns] with a stride, that touch nothing between the rows.</summary>
internal static unsafe class Rows<V>
    where V : struct, IVec<V>
{
    /// <summary>y = x, or y += x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Put(float* x, nint strideX, float* y, nint strideY, int rows, int columns, bool accumulate)
    {
        for (int i = 0; i < rows; i++, x += strideX, y += strideY)
        {
            for (int j = 0; j < columns; j += V.Count)
            {
                int lanes = Math.Min(V.Count, columns - j);
                V value = V.LoadPartial(x + j, lanes);
                if (accumulate)
                    value = V.LoadPartial(y + j, lanes) + value;
                V.StorePartial(value, y + j, lanes);
            }
        }
    }

    /// <summary>y = beta y; beta 0 does not read y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* y, nint strideY, int rows, int columns, float beta)
    {
        V factor = V.Create(beta);
        for (int i = 0; i < rows; i++, y += strideY)
        {
            for (int j = 0; j < columns; j += V.Count)
            {
                int lanes = Math.Min(V.Count, columns - j);
                V.StorePartial(beta == 0 ? V.Zero : V.LoadPartial(y + j, lanes) * factor, y + j, lanes);
            }
        }
    }
}
