namespace Dino.Tensors.Cpu;

/// <summary>Cuts the rows of a matrix into tasks, by shape only: the cut, and with it every sum, is the same for any number of threads.</summary>
internal readonly struct RowTiles
{
    /// <summary>Elements of a task: 1 to 4 µs of work, and 64 KiB that stay in the second-level cache between passes.</summary>
    private const int TaskElements = 16384;

    private RowTiles(long rows, long perTile)
    {
        Rows = rows;
        PerTile = perTile;
        Count = checked((int)((rows + perTile - 1) / perTile));
    }

    public long Rows { get; }

    public long PerTile { get; }

    public int Count { get; }

    /// <summary>Tiles of rows that do not depend on each other.</summary>
    public static RowTiles Independent(long rows, int columns) => new(rows, Math.Max(1, TaskElements / Math.Max(columns, 1)));

    /// <summary>
    /// Tiles that each leave a row of column sums behind: at least 32 rows, so that these cost little beside the matrix; at most 512,
    /// which bounds the rounding error of a sum within a tile.
    /// </summary>
    public static RowTiles ForColumnSums(long rows, int columns) => new(rows, Math.Clamp(TaskElements / Math.Max(columns, 1), 32, 512));

    public long First(int tile) => tile * PerTile;

    public long Last(int tile) => Math.Min(Rows, (tile + 1) * PerTile);
}
