namespace Dino.Tensors.Cpu.Gemm;

/// <summary>How a product with a packed weight is cut into tasks: blocks of rows of x times groups of panels.</summary>
/// <remarks>
/// A task sends its block of rows, which stays in L2, over one panel after the other. It reads a panel from memory once for the whole block, and each tile
/// runs over all of k before it is written. The cut depends on the shape alone, and no element on the cut.
/// </remarks>
internal readonly struct PackedPlan
{
    /// <summary>Bytes of x in a block: half of a 1 MiB L2, for a panel and the one that follows are beside it.</summary>
    private const int BlockBytes = 512 << 10;

    /// <summary>With few rows, reading the weight is the work: as long as <see cref="Plan.TaskWork"/>, from memory.</summary>
    private const long TaskBytes = 1 << 18;

    /// <summary>Rows of a over which packing b is shared.</summary>
    public const int MinRowsToPack = 64;

    /// <summary>The largest b to hold in panels, which are to stay in the third-level cache.</summary>
    private const int MaxPacked = 1 << 21;

    /// <summary>Where b needs no transposition it can also be read in place: only many passes over it pay for a copy.</summary>
    private const long MinWorkToCopy = 1 << 28;

    private const int WantedTasks = 24;
    private const int MinRowsPerBlock = 24;

    public readonly int TileRows;
    public readonly Split RowBlocks, Groups;

    /// <param name="rowBytes">Bytes of a row of x as the product reads it.</param>
    public PackedPlan(int rows, int rowBytes, in PackedLayout layout)
    {
        TileRows = layout.TileRows;
        long work = (long)rows * layout.Columns * layout.Inputs, bytes = (long)layout.Columns * layout.ColumnBytes;
        int tasks = (int)Math.Clamp(Math.Max(work / Plan.TaskWork, bytes / TaskBytes), 1, WantedTasks);
        RowBlocks = Split.AtMost(rows, Math.Max(MinRowsPerBlock, BlockBytes / Math.Max(rowBytes, 1)));
        Groups = new Split(layout.Panels.Parts, Math.Clamp((tasks + RowBlocks.Parts - 1) / RowBlocks.Parts, 1, layout.Panels.Parts));
        if (Tasks < tasks / 2)
            RowBlocks = new Split(rows, Math.Clamp(rows / MinRowsPerBlock, RowBlocks.Parts, tasks / Groups.Parts));
    }

    /// <summary>Whether b is worth storing in panels of full depth first, so that a tile is complete before it is written: deep products with many rows.</summary>
    public static bool Suits(in Product product)
    {
        bool isPlain = product.StepA == 1 && product.Matrices == 1 && product.Alpha == 1 && product.Beta == 0;
        bool isDeepAndTall = product.K > Plan.MaxDepth && product.M >= MinRowsToPack && (long)product.N * product.K <= MaxPacked;
        return isPlain && isDeepAndTall && (product.StepB == 1 || product.Work >= MinWorkToCopy);
    }

    public int Tasks => RowBlocks.Parts * Groups.Parts;
}
