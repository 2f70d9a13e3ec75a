using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// A strided copy brought to the fewest axes: axes of one element dropped, axes that walk memory in one run joined, the rest ordered by
/// falling stride of y. The two innermost form a panel [Rows, Columns]; the walk is cut into tiles of it.
/// </summary>
/// <remarks>Where elements of y are visited more than once the given order is kept and the walk stays on one thread.</remarks>
internal struct StridedPlan
{
    private const int TileTarget = 16384;
    private Axes _axes;

    [InlineArray(Shape.MaxRank)]
    private struct Axes
    {
        private Axis _first;
    }

    /// <summary>Length and element strides of one axis.</summary>
    public readonly record struct Axis(long Length, long StrideX, long StrideY);

    /// <summary>The inner axis of the panel.</summary>
    public Axis Column { get; private set; }

    /// <summary>The outer axis of the panel.</summary>
    public Axis Row { get; private set; }

    /// <summary>Number of axes around the panel.</summary>
    public int OuterRank { get; private set; }

    /// <summary>Panel rows of a tile.</summary>
    public long TileRows { get; private set; }

    /// <summary>Panel columns of a tile.</summary>
    public long TileColumns { get; private set; }

    /// <summary>Tiles down one panel.</summary>
    public long RowTiles { get; private set; }

    /// <summary>Tiles across one panel.</summary>
    public long ColumnTiles { get; private set; }

    /// <summary>Tiles in all.</summary>
    public long Tiles { get; private set; }

    /// <summary>Elements of a full tile.</summary>
    public readonly long TileElements => TileRows * TileColumns;

    /// <summary>No element of y is visited twice.</summary>
    public bool MayRunInParallel { get; private set; }

    /// <summary>x is dense along rows, y along columns, and the order of visits is free.</summary>
    public bool IsTransposition { get; private set; }

    /// <summary>An axis around the panel, outermost first.</summary>
    public readonly Axis Outer(int i) => _axes[i];

    public static StridedPlan Create(in StridedView x, in StridedView y)
    {
        StridedPlan plan = default;
        Span<Axis> axes = stackalloc Axis[Shape.MaxRank];
        int rank = 0;
        for (int i = 0; i < y.Shape.Rank; i++)
        {
            if (y.Shape[i] != 1)
                axes[rank++] = new(y.Shape[i], x.Stride(i), y.Stride(i));
        }

        Span<Axis> sorted = stackalloc Axis[Shape.MaxRank];
        axes.CopyTo(sorted);
        SortByStride(sorted[..rank]);
        plan.MayRunInParallel = IsInjective(sorted[..rank]);
        rank = Join((plan.MayRunInParallel ? sorted : axes)[..rank]);
        plan.Divide(plan.MayRunInParallel ? sorted : axes, rank);
        return plan;
    }

    /// <summary>Insertion sort: stable, so that equal strides keep the given order.</summary>
    private static void SortByStride(Span<Axis> axes)
    {
        for (int i = 1; i < axes.Length; i++)
        {
            Axis axis = axes[i];
            int j = i;
            for (; j > 0 && Math.Abs(axes[j - 1].StrideY) < Math.Abs(axis.StrideY); j--)
                axes[j] = axes[j - 1];
            axes[j] = axis;
        }
    }

    /// <summary>Each stride of y steps over all that the axes inside it reach.</summary>
    private static bool IsInjective(ReadOnlySpan<Axis> axes)
    {
        long reach = 0;
        for (int i = axes.Length - 1; i >= 0; i--)
        {
            long stride = Math.Abs(axes[i].StrideY);
            if (stride <= reach)
                return false;
            reach += stride * (axes[i].Length - 1);
        }

        return true;
    }

    /// <summary>Joins neighbours whose outer stride is the inner run's length, in x and y; returns the new number of axes.</summary>
    private static int Join(Span<Axis> axes)
    {
        int rank = 0;
        foreach (Axis inner in axes)
        {
            if (rank > 0)
            {
                Axis outer = axes[rank - 1];
                if (outer.StrideX == inner.StrideX * inner.Length && outer.StrideY == inner.StrideY * inner.Length)
                {
                    axes[rank - 1] = inner with { Length = outer.Length * inner.Length };
                    continue;
                }
            }

            axes[rank++] = inner;
        }

        return rank;
    }

    /// <summary>Chooses the panel. The row axis is the one along which x is dense where the column axis is not: a transposition.</summary>
    private void Divide(Span<Axis> axes, int rank)
    {
        Column = rank > 0 ? axes[--rank] : new(1, 1, 1);
        int dense = -1;
        if (MayRunInParallel && Column.StrideX != 1)
        {
            for (int i = 0; i < rank; i++)
                dense = axes[i].StrideX == 1 ? i : dense;
        }

        int row = dense >= 0 ? dense : rank - 1;
        Row = new(1, 0, 0);
        long outer = 1;
        for (int i = 0; i < rank; i++)
        {
            if (i == row)
            {
                Row = axes[i];
                continue;
            }

            _axes[OuterRank++] = axes[i];
            outer *= axes[i].Length;
        }

        // A transposition fills runs of 1 KB of y from four cache lines of each row of x.
        IsTransposition = MayRunInParallel && Row.StrideX == 1 && Column is { StrideX: not 1, StrideY: 1 };
        TileColumns = Math.Min(Column.Length, IsTransposition ? 256 : TileTarget);
        TileRows = Math.Min(Row.Length, IsTransposition ? 64 : Math.Max(1, TileTarget / TileColumns));
        ColumnTiles = (Column.Length + TileColumns - 1) / TileColumns;
        RowTiles = (Row.Length + TileRows - 1) / TileRows;
        Tiles = outer * RowTiles * ColumnTiles;
    }
}
