using System.Numerics;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>The k largest of each row: a list in shared memory for k up to 1024, a sort beyond.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>The longest list.</summary>
    private const int LongestList = 1024;

    /// <summary>Elements of a row that one block searches where there are few rows.</summary>
    private const int SearchSegment = 16384;

    /// <summary>Elements that are sorted at a time: 64 MiB with their indices.</summary>
    private const long SortElements = 1 << 23;

    /// <summary>Elements of a block's sort.</summary>
    private const int SortRun = 2048;

    /// <summary>Elements of a product that are searched at a time: what was just written is mostly still in the second-level cache.</summary>
    private const int ProductElements = 1 << 24;

    public override void TopK(in View x, in View values, in View indices) => TopK(x, View.None, values, indices);

    public override void TopProducts(in View x, in View memory, in View offsets, in View values, in View indices)
    {
        RequireF32(nameof(TopProducts), x.DType | memory.DType | offsets.DType | values.DType);
        int rows = checked((int)x.Rows), depth = x.Columns, count = checked((int)memory.Rows), k = values.Columns;
        if (rows == 0 || k == 0)
            return;
        int most = Math.Min(rows, Math.Max(256, ProductElements / count & ~255));
        using ScratchFrame scratch = OpenScratch();
        View all = scratch.Take([most, count]);
        for (int start = 0; start < rows; start += most)
        {
            int height = Math.Min(most, rows - start);
            View products = all.Slice(0, [height, count]);
            nint first = x.Slice((long)start * depth, [height, depth]).Address;
            MatMul(MatMulArguments.Single(first, memory.Address, products.Address, height, count, depth, transposeB: true));
            TopK(products, offsets, values.Slice((long)start * k, [height, k]), indices.Slice((long)start * k, [height, k]));
        }
    }

    /// <summary>The k largest of x + offsets, offsets [n] optional.</summary>
    private void TopK(in View x, in View offsets, in View values, in View indices)
    {
        RequireF32(nameof(TopK), x.DType | offsets.DType | values.DType);
        int n = x.Columns, k = values.Columns;
        if (k > n)
            throw new ShapeMismatchException($"The {k} largest of rows of {n}: {x.Shape} to {values.Shape}.");
        if (k == 0 || x.Rows == 0)
            return;
        if (k > LongestList)
        {
            Sort(x, offsets, values, indices);
            return;
        }

        bool isWhole = x.Rows >= 64 || n <= 2 * SearchSegment;
        int segment = isWhole ? n : SearchSegment, segments = isWhole ? 1 : (n + SearchSegment - 1) / SearchSegment;
        TopKArguments arguments = new(x.Address, offsets.Address, 0, values.Address, indices.Address, 0, n, k, segment, segments, n);
        if (isWhole)
        {
            Launch(_kernels["top_k", "top_k_elements"], arguments, x.Rows, SearchThreads(n));
            return;
        }

        using ScratchFrame scratch = OpenScratch();
        int found = checked(segments * k);
        nint best = scratch.Take([checked((int)x.Rows), found, 2], DType.I32).Address;
        Launch(_kernels["top_k", "top_k_elements"], arguments with { Best = best }, x.Rows * segments, SearchThreads(segment));
        Launch(_kernels["top_k", "top_k_candidates"], arguments with { Candidates = best, N = found, Segment = found, Segments = 1 }, x.Rows, SearchThreads(found));
    }

    /// <summary>Threads of a block that reads rows four elements a thread at a time.</summary>
    private static int SearchThreads(int n) => (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)(n + 3) / 4), 32, BlockThreads);

    private void Sort(in View x, in View offsets, in View values, in View indices)
    {
        int n = x.Columns, k = values.Columns;
        long length = BitOperations.RoundUpToPowerOf2((uint)Math.Max(n, SortRun));
        int most = (int)Math.Min(x.Rows, Math.Max(1, SortElements / length));
        using ScratchFrame scratch = OpenScratch();
        nint items = scratch.Take([most, (int)(length / SortRun), SortRun, 2], DType.I32).Address;
        for (long start = 0; start < x.Rows; start += most)
        {
            long rows = Math.Min(most, x.Rows - start), runs = rows * length / SortRun;
            View source = x.Slice(start * n, [(int)rows, n]), best = values.Slice(start * k, [(int)rows, k]), places = indices.Slice(start * k, [(int)rows, k]);
            SortArguments arguments = new(source.Address, offsets.Address, items, best.Address, places.Address, rows, length, 0, 0, n, k);
            Launch(_kernels["sort", "sort_runs"], arguments, runs, 2 * BlockThreads);
            for (long size = 2 * SortRun; size <= length; size *= 2)
            {
                for (long stride = size / 2; stride >= SortRun; stride /= 2)
                    LaunchOver(_kernels["sort", "sort_far"], arguments with { Size = size, Stride = stride }, rows * length / 2);
                Launch(_kernels["sort", "sort_near"], arguments with { Size = size }, runs, 2 * BlockThreads);
            }

            LaunchOver(_kernels["sort", "sort_write"], arguments, rows * k);
        }
    }

    private readonly record struct TopKArguments(
        nint X, nint Offsets, nint Candidates, nint Values, nint Indices, nint Best, int N, int K, int Segment, int Segments, int Columns, int Padding = 0);

    private readonly record struct SortArguments(
        nint X, nint Offsets, nint Items, nint Values, nint Indices, long Rows, long Length, long Size, long Stride, int N, int K);
}
