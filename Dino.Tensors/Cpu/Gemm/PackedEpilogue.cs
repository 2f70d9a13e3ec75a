using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>How the sums in a tile become values of the product, as a type argument.</summary>
internal unsafe interface ITileSums<V>
    where V : struct, IVec<V>
{
    /// <summary>The values of one vector of a row.</summary>
    /// <param name="tile">Its first sum.</param>
    V Read(void* tile, int row, int column);
}

/// <summary>The sums are the values.</summary>
internal readonly unsafe struct FloatSums<V> : ITileSums<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Read(void* tile, int row, int column) => V.Load((float*)tile);
}

/// <summary>y = residual + activation(product + bias).</summary>
/// <param name="outputs">N.</param>
/// <param name="bias">[N] or null.</param>
/// <param name="residual">[M, N] or null; may be y.</param>
internal readonly unsafe struct PackedEpilogue<V, TSums, TActivation>(TSums sums, int outputs, float* bias, float* residual, float* y) : ITileEpilogue
    where V : struct, IVec<V>
    where TSums : struct, ITileSums<V>
    where TActivation : struct, IActivation<V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(void* tile, int width, int row, int column, int rows, int columns)
    {
        int* from = (int*)tile;
        for (int i = 0; i < rows; i++, from += width)
        {
            nint at = (nint)(row + i) * outputs + column;
            for (int j = 0; j < columns; j += V.Count)
            {
                int lanes = Math.Min(V.Count, columns - j);
                V value = sums.Read(from + j, row + i, column + j);
                if (bias != null)
                    value = value + Lanes<V>.Load(bias + column + j, lanes);
                value = TActivation.Apply(value);
                if (residual != null)
                    value = value + Lanes<V>.Load(residual + at + j, lanes);
                Lanes<V>.Store(value, y + at + j, lanes);
            }
        }
    }
}
