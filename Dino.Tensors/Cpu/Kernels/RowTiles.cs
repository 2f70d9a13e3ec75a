using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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

/// <summary>Vectors that may be partly filled: the last one of a row.</summary>
internal static unsafe class Lanes<V> where V : struct, IVec<V>
{
    private static ReadOnlySpan<float> Ones => [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];

    /// <summary>A mask of the first <paramref name="count"/> lanes, for <c>V.Select</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V First(int count)
    {
        // The constants lie in the image of the assembly, which does not move.
        float* ones = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Ones));
        return V.Equal(V.LoadPartial(ones, count), V.Create(1f));
    }

    /// <summary>Loads a vector that is usually full: a branch that is nearly always taken costs less than a mask, far less where there are none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* source, int count) => count == V.Count ? V.Load(source) : V.LoadPartial(source, count);

    /// <inheritdoc cref="Load"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V value, float* destination, int count)
    {
        if (count == V.Count)
            V.Store(value, destination);
        else
            V.StorePartial(value, destination, count);
    }
}
