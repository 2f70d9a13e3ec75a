using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Rows gathered and scattered on a CUDA device. The order of sums is part of the contract: they are the same to the bit.</summary>
public sealed class CudaIndexingTests
{
    [Fact]
    public void Rows_are_gathered_and_scattered_as_on_the_CPU()
    {
        using ComparedBackends both = new();
        foreach ((int table, int count, int columns) in ((int, int, int)[])[
            (1, 1, 1), (5, 9, 3), (7, 100, 16), (10, 33, 65), (4, 0, 8), (3, 5, 0), (1, 70, 8), (600, 300, 12), (2, 1100, 4), (40, 90, 300), (9, 20, 1030), (3, 40, 2056)])
        {
            foreach (int offset in (int[])[0, 1])
            {
                Contents x = Contents.Uniform([table, columns], 1, -1, 1, offset), y = Contents.Unwritten([count, columns], offset), sum = Contents.Uniform([table, columns], 2, -1, 1, offset);
                both.AssertEqual($"[{table}, {columns}] by {count}", [x, Indices(table, count), y, sum], (backend, v) =>
                {
                    backend.GatherRows(v[0], v[1], v[2]);
                    backend.ScatterAddRows(v[2], v[1], v[3]);
                });
            }
        }
    }

    [Fact]
    public void Rows_of_other_types_are_gathered_as_bytes()
    {
        using ComparedBackends both = new();
        foreach (int columns in (int[])[1, 5, 6, 8, 16, 48])
        {
            foreach (DType type in (DType[])[DType.U8, DType.BF16, DType.I32])
            {
                byte[] bytes = new byte[9 * columns * type.Size()];
                new Random(columns).NextBytes(bytes);
                Contents x = new(type, [9, columns], bytes), y = Contents.Unwritten([31, columns], 0, type);
                both.AssertEqual($"{columns} of {type}", [x, Indices(9, 31), y], (backend, v) => backend.GatherRows(v[0], v[1], v[2]));
            }
        }
    }

    [Fact]
    public void Indices_in_runs_are_scattered_in_order()
    {
        using ComparedBackends both = new();
        // Rows that repeat next to each other, far apart, and not at all.
        int[] indices = [.. Enumerable.Range(0, 2100).Select(i => i < 64 ? 3 : i == 2099 ? 3 : i % 5 == 0 ? 1 : 4 + (i % 90))];
        Contents x = Contents.Uniform([2100, 8], 1, -1, 1), sum = Contents.Uniform([100, 8], 2, -1, 1);
        both.AssertEqual("runs", [x, Contents.Of([2100], indices), sum], (backend, v) => backend.ScatterAddRows(v[0], v[1], v[2]));
    }

    [Fact]
    public void An_index_outside_the_table_ends_the_kernel()
    {
        foreach (int outside in (int[])[3, -1])
        {
            using ComparedBackends both = new();
            Contents x = Contents.Quarters([3, 5], 1), y = Contents.Unwritten([2, 5]), indices = Contents.Of([2], [0, outside]);
            // The host cannot look: it learns of it when it next waits for the device.
            Assert.Throws<CudaException>(() => ComparedBackends.Run(both.Cuda, [x, indices, y], (backend, v) => backend.GatherRows(v[0], v[1], v[2])));
        }
    }

    private static Contents Indices(int table, int count)
    {
        Random random = new(table + count);
        return Contents.Of([count], [.. Enumerable.Range(0, count).Select(_ => random.Next(table))]);
    }
}
