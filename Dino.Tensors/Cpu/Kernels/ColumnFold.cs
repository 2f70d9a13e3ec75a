using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>Adds up the rows that the tiles of a column sum left behind, in the order of the tiles, four chains at a time.</summary>
internal unsafe struct ColumnFold<V> : IJob where V : struct, IVec<V>
{
    /// <summary>Columns of a task.</summary>
    private const int TaskColumns = 256;

    /// <summary>First column of the first tile; tiles are <see cref="Stride"/> elements apart.</summary>
    public float* Partials;
    public float* Sums;
    public bool Accumulate;
    public int Columns, Tiles;
    public long Stride;

    public readonly int Tasks => (Columns + TaskColumns - 1) / TaskColumns;

    public readonly void Run(int task, int worker)
    {
        int last = Math.Min(Columns, (task + 1) * TaskColumns);
        for (int column = task * TaskColumns; column < last; column += V.Count)
        {
            int count = Math.Min(V.Count, last - column);
            V sum = Fold(Partials + column, count);
            Lanes<V>.Store(Accumulate ? sum + Lanes<V>.Load(Sums + column, count) : sum, Sums + column, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly V Fold(float* partial, int count)
    {
        V s0 = V.Zero, s1 = V.Zero, s2 = V.Zero, s3 = V.Zero;
        int tile = 0;
        for (; tile <= Tiles - 4; tile += 4, partial += 4 * Stride)
        {
            s0 = s0 + Lanes<V>.Load(partial, count);
            s1 = s1 + Lanes<V>.Load(partial + Stride, count);
            s2 = s2 + Lanes<V>.Load(partial + (2 * Stride), count);
            s3 = s3 + Lanes<V>.Load(partial + (3 * Stride), count);
        }

        for (; tile < Tiles; tile++, partial += Stride)
            s0 = s0 + Lanes<V>.Load(partial, count);
        return (s0 + s1) + (s2 + s3);
    }
}
