using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    /// <summary>Columns that one task of a scatter owns: four cache lines, and no two tasks write the same element.</summary>
    private const long ScatterColumns = 64;

    public override void GatherRows(in View x, in View indices, in View y)
    {
        if (indices.Count == 0)
            return;
        CheckIndices(indices, x.Shape);
        long rowBytes = y.Bytes / indices.Count;
        Ranges.Run(Workers, indices.Count, rowBytes / sizeof(float), new GatherRange(x.Address, indices.I32, y.Address, rowBytes));
    }

    public override void ScatterAddRows(in View x, in View indices, in View y)
    {
        if (indices.Count == 0 || y.Count == 0)
            return;
        CheckIndices(indices, y.Shape);
        long columns = x.Count / indices.Count;
        ScatterRange scatter = new(x.F32, indices.I32, y.F32, indices.Count, columns);
        Ranges.Run(Workers, (columns + ScatterColumns - 1) / ScatterColumns, indices.Count * Math.Min(columns, ScatterColumns), scatter);
    }

    /// <summary>Before any task starts: tasks cannot throw.</summary>
    private protected static void CheckIndices(in View indices, in Shape table)
    {
        ReadOnlySpan<int> values = new(indices.I32, checked((int)indices.Count));
        for (int i = 0; i < values.Length; i++)
        {
            if ((uint)values[i] >= (uint)table[0])
                throw new ArgumentOutOfRangeException(nameof(indices), $"Index {values[i]} at position {i} is not a row of {table}.");
        }
    }

    private readonly struct GatherRange(nint x, int* indices, nint y, long rowBytes) : IRange
    {
        public void Run(long start, long end)
        {
            for (long i = start; i < end; i++)
                Buffer.MemoryCopy((void*)(x + (nint)(indices[i] * rowBytes)), (void*)(y + (nint)(i * rowBytes)), rowBytes, rowBytes);
        }
    }

    /// <summary>One item: a tile of columns, for all rows in rising order.</summary>
    private readonly struct ScatterRange(float* x, int* indices, float* y, long rows, long columns) : IRange
    {
        public void Run(long start, long end)
        {
            long first = start * ScatterColumns, length = Math.Min(columns, end * ScatterColumns) - first;
            for (long i = 0; i < rows; i++)
            {
                float* target = y + (indices[i] * columns) + first;
                Elementwise<V>.Zip<BinaryOperators<V>.Add>(target, x + (i * columns) + first, target, length);
            }
        }
    }
}
