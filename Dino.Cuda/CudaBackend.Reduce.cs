using System.Numerics;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Reductions of the middle axis of [outer, n, inner]. What is long is cut into pieces that leave partial results, which are reduced in their turn.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Elements of a row that a warp reduces; more are the work of a block.</summary>
    private const int WarpElements = 2048;

    /// <summary>Elements of a piece of a long row.</summary>
    private const int RowChunk = 8192;

    /// <summary>Elements of a row that are still reduced in one piece where there are rows enough to keep the device busy.</summary>
    private const int BlockElements = 131072;

    /// <summary>Rows at which one thread can reduce a column.</summary>
    private const int FewRows = 32;

    private static readonly Reduction SumReduction = new("sum"), InnerSumReduction = new("sum_inner", SumReduction, inputBytes: 2), MaxReduction = new("max"), MinReduction = new("min");
    private static readonly Reduction BestReduction = new("best", hasWide: false, stateBytes: 8, inputBytes: 8);

    /// <summary>By <see cref="ReduceOp"/>.</summary>
    private static readonly Reduction[] Reductions = [SumReduction, new("squares", SumReduction), new("magnitudes", SumReduction), MaxReduction, MinReduction];
    private static readonly Reduction ArgMax = new("arg_max", BestReduction, hasWide: false, stateBytes: 8), ArgMin = new("arg_min", BestReduction, hasWide: false, stateBytes: 8);

    private enum ReduceTarget
    {
        Partial,
        Overwrite,
        Accumulate,
    }

    public override void Reduce(ReduceOp op, in View x, in Destination y)
    {
        if (!y.IsWanted)
            return;
        if ((int)op >= Reductions.Length)
            throw new ArgumentOutOfRangeException(nameof(op), op, "Not a reduction.");
        RequireF32(nameof(Reduce), y.View.DType);
        if (op == ReduceOp.Sum)
            RequireInner("A sum", x.DType);
        else
            RequireF32(nameof(Reduce), x.DType);
        (int outer, int n, int inner) = Middle(x);
        Reduce(x.DType == DType.F32 ? Reductions[(int)op] : InnerSumReduction, x.Address, outer, n, inner, y.View.Address, y.Accumulate ? ReduceTarget.Accumulate : ReduceTarget.Overwrite);
    }

    public override void ArgReduce(bool largest, in View x, in View y)
    {
        RequireF32(nameof(ArgReduce), x.DType);
        (int outer, int n, int inner) = Middle(x);
        if (n == 0)
            throw new ShapeMismatchException($"The extreme of no elements has no index: {x.Shape}.");
        Reduce(largest ? ArgMax : ArgMin, x.Address, outer, n, inner, y.Address, ReduceTarget.Overwrite);
    }

    private static (int Outer, int N, int Inner) Middle(in View x) => x.Shape.Rank == 3
        ? (x.Shape[0], x.Shape[1], x.Shape[2])
        : throw new ShapeMismatchException($"A reduction takes [outer, n, inner], not {x.Shape}.");

    private void Reduce(Reduction reduction, nint x, int outer, int n, int inner, nint y, ReduceTarget target)
    {
        if ((long)outer * inner == 0)
            return;
        if (inner == 1)
            ReduceRows(reduction, x, outer, n, y, target);
        else if (n <= FewRows)
            LaunchOver(_kernels["reduction", reduction.Few], new ReduceFewArguments(x, y, outer, n, inner, (int)target), (long)outer * inner);
        else
            ReduceColumns(reduction, x, outer, n, inner, y, target);
    }

    private void ReduceRows(Reduction reduction, nint x, int rows, int n, nint y, ReduceTarget target)
    {
        int laneBits = n <= WarpElements ? Tiling.LaneBitsFor((n + 3) / 4) : BitOperations.Log2(BlockThreads);
        bool isWhole = n <= RowChunk || (rows >= 256 && n <= BlockElements);
        int chunk = isWhole ? n : RowChunk, chunks = isWhole ? 1 : (n + RowChunk - 1) / RowChunk;
        bool isWide = reduction.InputBytes <= sizeof(float) && reduction.IsWide(n, x);
        using ScratchFrame scratch = OpenScratch();
        nint result = isWhole ? y : scratch.Take([rows, chunks, reduction.StateBytes], DType.U8).Address;
        ReduceRowsArguments arguments = new(x, result, rows, n, chunk, chunks, laneBits, isWide ? 1 : 0, (int)(isWhole ? target : ReduceTarget.Partial));
        Launch(_kernels["reduction", reduction.Rows], arguments, ((((long)rows * chunks) << laneBits) + BlockThreads - 1) / BlockThreads);
        if (!isWhole)
            Reduce(reduction.Join, result, rows, chunks, 1, y, target);
    }

    private void ReduceColumns(Reduction reduction, nint x, int outer, int n, int inner, nint y, ReduceTarget target)
    {
        const int MostThreads = 1024, RowsEach = 16, RowsOfTile = 8;
        bool isWide = reduction.HasWide && inner >= 128 && reduction.IsWide(inner, x);
        Tiling small = Tiling.Of(n, inner, isWide, RowsEach), large = Tiling.Of(n, inner, isWide: false, 2 * RowsEach, MostThreads);
        if (n <= small.TileRows)
        {
            LaunchColumns(reduction, isWide, x, outer, small, y, target, BlockThreads);
            return;
        }

        if (n <= large.TileRows)
        {
            LaunchColumns(reduction, isWide: false, x, outer, large, y, target, MostThreads);
            return;
        }

        Tiling tiling = Tiling.Of(n, inner, isWide, RowsOfTile);
        using ScratchFrame scratch = OpenScratch();
        nint partials = scratch.Take([outer, tiling.Tiles, inner, reduction.StateBytes], DType.U8).Address;
        LaunchColumns(reduction, isWide, x, outer, tiling, partials, ReduceTarget.Partial, BlockThreads);
        Reduce(reduction.Join, partials, outer, tiling.Tiles, inner, y, target);
    }

    private void LaunchColumns(Reduction reduction, bool isWide, nint x, int outer, Tiling tiling, nint y, ReduceTarget target, int threads) =>
        Launch(
            _kernels["reduction", isWide ? reduction.ColumnsWide : reduction.Columns],
            new ReduceColumnsArguments(x, y, tiling, tiling.Tiles, (int)target), outer * tiling.Blocks, threads);

    private readonly record struct ReduceRowsArguments(nint X, nint Y, long Rows, long N, long Chunk, int Chunks, int LaneBits, int Wide, int Target);

    private readonly record struct ReduceColumnsArguments(nint X, nint Y, Tiling Tiling, int Tiles, int Target);

    private readonly record struct ReduceFewArguments(nint X, nint Y, long Outer, long N, long Inner, int Target, int Padding = 0);

    /// <summary>The kernels of a reduction.</summary>
    private sealed class Reduction(string name, Reduction? join = null, bool hasWide = true, int stateBytes = 4, int inputBytes = 4)
    {
        public string Rows { get; } = "reduce_rows_" + name;

        public string Columns { get; } = "reduce_columns_" + name;

        public string ColumnsWide { get; } = "reduce_columns_wide_" + name;

        public string Few { get; } = "reduce_few_" + name;

        /// <summary>What reduces partial results.</summary>
        public Reduction Join => join ?? this;

        /// <summary>Whether <see cref="ColumnsWide"/> exists.</summary>
        public bool HasWide => hasWide;

        public int StateBytes => stateBytes;

        public int InputBytes => inputBytes;

        /// <summary>Whether rows can be read four elements at a time.</summary>
        public bool IsWide(int columns, nint address) => columns % QuadElements == 0 && address % (QuadElements * inputBytes) == 0;
    }
}
