using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    /// <summary>Elements of a long row that make one partial result.</summary>
    private const long RowTile = 16384;

    /// <summary>Columns of one partial result: 8 KB that stay in the L1 while rows stream by.</summary>
    private const long ColumnTile = 2048;

    public override void Reduce(ReduceOp op, in View x, in Destination y)
    {
        if (!y.IsWanted)
            return;
        switch (op)
        {
            case ReduceOp.Sum: Reduce<ReduceOperators<V>.Sum, ReduceOperators<V>.Sum>(x, y); break;
            case ReduceOp.SumOfSquares: Reduce<ReduceOperators<V>.SumOfSquares, ReduceOperators<V>.Sum>(x, y); break;
            case ReduceOp.SumOfMagnitudes: Reduce<ReduceOperators<V>.SumOfMagnitudes, ReduceOperators<V>.Sum>(x, y); break;
            case ReduceOp.Max: Reduce<ReduceOperators<V>.Max, ReduceOperators<V>.Max>(x, y); break;
            case ReduceOp.Min: Reduce<ReduceOperators<V>.Min, ReduceOperators<V>.Min>(x, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "Not a reduction.");
        }
    }

    /// <summary>Tiles of the middle axis give partial results [outer, tiles, inner]; a second pass joins them.</summary>
    private void Reduce<TOperator, TJoin>(in View x, in Destination y)
        where TOperator : struct, IReduceOperator<V>
        where TJoin : struct, IReduceOperator<V>
    {
        (int outer, int n, int inner) = Middle(x);
        long tileRows = inner == 1 ? RowTile : Math.Clamp(RowTile / Math.Max(inner, 1), 64, 256);
        int tiles = (int)Math.Max(1, (n + tileRows - 1) / tileRows);
        long columnTile = Math.Min(inner, ColumnTile), columnTiles = (inner + ColumnTile - 1) / ColumnTile;

        using ScratchFrame scratch = OpenScratch();
        View partials = scratch.Take([outer, tiles, inner]);
        ReduceRange<TOperator> reduce = new(x.F32, partials.F32, n, inner, tileRows, tiles);
        Ranges.Run(Workers, outer * tiles * columnTiles, Math.Min(n, tileRows) * columnTile, reduce);
        JoinRange<TJoin> join = new(partials.F32, y.View.F32, y.Accumulate, tiles, inner);
        Ranges.Run(Workers, (long)outer * inner, tiles, join);
    }

    /// <summary>The axes of a reduction's operand.</summary>
    private static (int Outer, int N, int Inner) Middle(in View x) => x.Shape.Rank == 3
        ? (x.Shape[0], x.Shape[1], x.Shape[2])
        : throw new ShapeMismatchException($"A reduction takes [outer, n, inner], not {x.Shape}.");

    /// <summary>One item: a tile of the middle axis, over one tile of columns.</summary>
    private readonly struct ReduceRange<TOperator>(float* x, float* partials, long n, long inner, long tileRows, long tiles) : IRange
        where TOperator : struct, IReduceOperator<V>
    {
        public void Run(long start, long end)
        {
            long columnTiles = (inner + ColumnTile - 1) / ColumnTile;
            for (long item = start; item < end; item++)
            {
                (long partial, long columnTile) = Math.DivRem(item, columnTiles);
                (long outer, long tile) = Math.DivRem(partial, tiles);
                long firstRow = tile * tileRows, rows = Math.Min(tileRows, n - firstRow);
                long firstColumn = columnTile * ColumnTile, columns = Math.Min(ColumnTile, inner - firstColumn);
                float* source = x + (((outer * n) + firstRow) * inner) + firstColumn;
                float* result = partials + (partial * inner) + firstColumn;
                if (inner == 1)
                    *result = Reductions<V>.Row<TOperator>(source, rows);
                else
                    Reductions<V>.Columns<TOperator>(source, inner, rows, columns, result);
            }
        }
    }

    /// <summary>One item: an element of y.</summary>
    private readonly struct JoinRange<TOperator>(float* partials, float* y, bool accumulate, long tiles, long inner) : IRange
        where TOperator : struct, IReduceOperator<V>
    {
        public void Run(long start, long end)
        {
            if (tiles == 1)
            {
                Write(partials + start, start, end - start);
                return;
            }

            while (start < end)
            {
                (long outer, long column) = Math.DivRem(start, inner);
                long columns = Math.Min(inner - column, end - start);
                float* first = partials + (outer * tiles * inner) + column;
                Reductions<V>.Tree<TOperator>(first, inner, tiles, columns);
                Write(first, start, columns);
                start += columns;
            }
        }

        private void Write(float* result, long start, long length)
        {
            if (accumulate)
                Elementwise<V>.Axpby(1f, result, 1f, y + start, length);
            else
                Buffer.MemoryCopy(result, y + start, length * sizeof(float), length * sizeof(float));
        }
    }
}
