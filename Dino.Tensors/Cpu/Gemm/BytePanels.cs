using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Sums of quantised rows with panels of integers. One pass over all of k: integers do not round. A panel has a quarter of the bytes of floats and is not asked for ahead.</summary>
internal readonly unsafe struct BytePanelProduct<D>(byte* x, nint strideX, byte* weight, in PackedLayout layout) : IPanelProduct
    where D : struct, IByteVec<D>
{
    private readonly PackedLayout _layout = layout;

    public void Run(int panel, int row, int rows, void* tile, int ahead)
    {
        byte* values = weight + _layout.PanelOffset(panel);
        int width = _layout.Width(panel);
        for (int column = 0; column < width; column += 2 * D.Count)
        {
            int vectors = Math.Min(2, (width - column) / D.Count);
            ByteKernel<D>.Run(rows, vectors, x + row * strideX, strideX, values + 4 * column, width, _layout.ColumnBytes, (int*)tile + column);
        }
    }
}

/// <summary>The values that integer sums stand for.</summary>
/// <remarks>Σ (least + scale · byte) · w = scale · scale of w · Σ byte · integer + least · (scale of w · Σ integer).</remarks>
/// <param name="scales">Of the rows of x.</param>
/// <param name="leasts">Of the rows of x.</param>
/// <param name="weightScales">Of the columns.</param>
/// <param name="weightSums">Scale times the sum of the integers of each column.</param>
internal readonly unsafe struct ByteSums<V>(float* scales, float* leasts, float* weightScales, float* weightSums) : ITileSums<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Read(void* sums, int row, int column, int lanes)
    {
        V factor = V.Create(scales[row]) * V.Load(weightScales + column);
        return V.MultiplyAdd(V.LoadInt32((int*)sums), factor, V.Create(leasts[row]) * V.Load(weightSums + column));
    }
}
