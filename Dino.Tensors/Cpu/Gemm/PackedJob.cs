using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Computes sums of products of a few rows with one panel.</summary>
internal unsafe interface IPanelProduct
{
    /// <param name="tile">[rows, width of the panel] 32-bit sums, without gaps.</param>
    /// <param name="ahead">How far into the rows of the panel that follows the cache lines lie that should be asked for meanwhile, in units of four bytes; negative for none.</param>
    void Run(int panel, int row, int rows, void* tile, int ahead);
}

/// <summary>Computes the tasks of a <see cref="PackedPlan"/>: y is written once, from tiles that hold their complete sums, so it may be an operand of the epilogue.</summary>
internal unsafe struct PackedJob<TProduct, TEpilogue>(in PackedPlan plan, in PackedLayout layout, float* tiles, TProduct product, TEpilogue epilogue) : IJob
    where TProduct : struct, IPanelProduct
    where TEpilogue : struct, IEpilogue
{
    /// <summary>Places of scratch for the tile of each worker: 8 rows of 4 vectors of 16 lanes, and a pair of cache lines between neighbours.</summary>
    public const int ScratchPerWorker = 8 * 4 * 16 + 32;

    private readonly PackedPlan _plan = plan;
    private readonly PackedLayout _layout = layout;
    private readonly TProduct _product = product;
    private readonly TEpilogue _epilogue = epilogue;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int task, int worker)
    {
        // Neighbouring tasks share rows of x.
        int block = task / _plan.Groups.Parts, group = task % _plan.Groups.Parts;
        int firstRow = _plan.RowBlocks.Start(block), firstPanel = _plan.Groups.Start(group);
        int endPanel = firstPanel + _plan.Groups.Length(group);
        float* tile = tiles + (nint)worker * ScratchPerWorker;
        Split rowTiles = Split.AtMost(_plan.RowBlocks.Length(block), _plan.TileRows);
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            int column = _layout.FirstColumn(panel), width = _layout.Width(panel), columns = Math.Min(width, _layout.Outputs - column);
            FetchSchedule lines = new(panel + 1 < endPanel ? _layout.RowBytes(panel + 1) / sizeof(float) : 0, rowTiles.Parts);
            for (int t = 0; t < rowTiles.Parts; t++)
            {
                int row = firstRow + rowTiles.Start(t), rows = rowTiles.Length(t);
                _epilogue.Fetch(row, column, rows, columns);
                _product.Run(panel, row, rows, tile, lines.Next());
                _epilogue.Apply(tile, width, row, column, rows, columns);
            }
        }
    }
}

/// <summary>Sums of F32 rows with panels of floats, in blocks of k that each begin at zero: the order of the product that is not packed.</summary>
internal readonly unsafe struct FloatPanelProduct<V, TElement>(float* x, nint strideX, int inputs, byte* weight, in PackedLayout layout) : IPanelProduct
    where V : struct, IVec<V>
    where TElement : struct, IPanelElement<V>
{
    private readonly PackedLayout _layout = layout;
    private readonly Split _depths = Split.AtMost(inputs, Plan.MaxDepth);

    public void Run(int panel, int row, int rows, void* tile, int ahead)
    {
        byte* values = weight + _layout.PanelOffset(panel);
        int vectors = _layout.Panels.Length(panel);
        nint distance = ahead < 0 ? 0 : ((_layout.PanelOffset(panel + 1) - _layout.PanelOffset(panel)) / sizeof(float)) + ahead;
        for (int d = 0; d < _depths.Parts; d++)
        {
            int k = _depths.Start(d);
            byte* part = values + (nint)k * vectors * V.Count * TElement.Bytes;
            int width = vectors * V.Count;
            if (ahead < 0)
                MicroKernel<V, TElement>.Run(rows, vectors, x + row * strideX + k, strideX, 1, part, width * TElement.Bytes, _depths.Length(d), (float*)tile, width, d > 0, default(NoFetch));
            else
                MicroKernel<V, TElement>.Run(rows, vectors, x + row * strideX + k, strideX, 1, part, width * TElement.Bytes, _depths.Length(d), (float*)tile, width, d > 0, new PanelFetch(distance));
        }
    }
}
