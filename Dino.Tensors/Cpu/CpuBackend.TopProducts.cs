using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

/// <summary>The search for the largest products on tiles that never leave the L1: the product itself, [M, N], is not stored.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    /// <summary>Elements of memory packed at a time, by all threads for all threads: 8 MiB stay in the last-level cache.</summary>
    private const int PackedElements = 2 << 20;

    /// <summary>Beyond this an insertion into the list of the best costs more than a heap.</summary>
    private const int LongestList = 256;

    public override void TopProducts(in View x, in View memory, in View offsets, in View values, in View indices)
    {
        int rows = checked((int)x.Rows), depth = x.Columns, count = checked((int)memory.Rows), k = values.Columns;
        if (rows == 0 || k == 0)
            return;
        if (depth == 0 || k > LongestList)
        {
            base.TopProducts(x, memory, offsets, values, indices);
            return;
        }

        int width = TopProductsJob<V>.TileColumns;
        int panels = Math.Clamp(PackedElements / width / depth, 1, (count + width - 1) / width);
        using ScratchFrame scratch = OpenScratch();
        float* packed = scratch.Take([panels * width, depth]).F32;
        float* tiles = scratch.Take([Workers.Threads, TopProductsJob<V>.TileElements]).F32;
        TopProductsJob<V> job = new(x.F32, rows, depth, packed, tiles, offsets.F32, values.F32, indices.I32, k);
        for (int start = 0; start < count; start += panels * width)
        {
            int columns = Math.Min(panels * width, count - start);
            PackMemory pack = new(memory.F32 + ((nint)start * depth), depth, columns, packed);
            Workers.Run((columns + width - 1) / width, ref pack);
            (job.FirstColumn, job.Columns) = (start, columns);
            Workers.Run(job.Tasks, ref job);
        }
    }

    /// <summary>Packs panel <c>task</c>: k-major, missing columns zero.</summary>
    private readonly struct PackMemory(float* memory, int depth, int columns, float* packed) : IJob
    {
        public void Run(int task, int worker)
        {
            int width = TopProductsJob<V>.TileColumns, first = task * width;
            nint offset = (nint)first * depth;
            Panels<V>.CopyColumns(memory + offset, depth, depth, Math.Min(width, columns - first), width / V.Count, 1, packed + offset);
        }
    }
}
