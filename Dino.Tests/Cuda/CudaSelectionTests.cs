using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>The k largest of rows on a CUDA device against a stable sort.</summary>
public sealed class CudaSelectionTests
{
    [Fact]
    public void The_k_largest_fall_and_ties_rise_by_index()
    {
        using DeviceBed bed = new();
        Random random = new(4);
        // One tile and several, lists that fill up, rows that are cut into segments, and k that needs a sort: of one run and of several.
        foreach ((int rows, int n, int k) in new[]
                 {
                     (1, 1, 1), (3, 5, 5), (4, 100, 1), (5, 257, 20), (3, 1000, 1000), (2, 64, 3), (30, 5000, 20), (2, 5000, 1024), (1, 40_000, 7), (2, 33_000, 300),
                     (70, 1500, 200), (3, 1100, 1100), (2, 5000, 2000), (1, 9000, 9000),
                 })
            AssertSorted(bed, rows, n, k, _ => random.Next(200) == 0 ? float.NaN : random.Next(-n, n) / 4);
    }

    [Fact]
    public void Rising_rows_and_equal_rows_are_searched_whole()
    {
        using DeviceBed bed = new();
        foreach ((int n, int k) in new[] { (7000, 20), (7000, 1024), (3000, 2999) })
        {
            AssertSorted(bed, 2, n, k, i => i % n);
            AssertSorted(bed, 2, n, k, i => -(i % n));
            AssertSorted(bed, 1, n, k, _ => 1);
            AssertSorted(bed, 1, n, k, _ => float.NegativeInfinity);
            AssertSorted(bed, 1, n, k, _ => float.NaN);
        }
    }

    [Fact]
    public void Elements_keep_their_bits()
    {
        using DeviceBed bed = new();
        float[] row = [-0f, 0, 1e-44f, -1e-44f, BitConverter.Int32BitsToSingle(0x7FC01234), BitConverter.Int32BitsToSingle(unchecked((int)0xFFC00001))];
        View values = bed.Take([1, 6]), indices = bed.Take([1, 6], DType.I32);
        bed.Backend.TopK(bed.Write(row, [1, 6]), values, indices);
        Assert.Equal([4, 5, 2, 0, 1, 3], bed.Read<int>(indices));
        Assert.Equal([4, 5, 2, 0, 1, 3], bed.Read<float>(values).Select(value => Array.FindIndex(row, x => BitConverter.SingleToInt32Bits(x) == BitConverter.SingleToInt32Bits(value))));
    }

    private static void AssertSorted(DeviceBed bed, int rows, int n, int k, Func<int, float> element)
    {
        float[] x = [.. Enumerable.Range(0, rows * n).Select(element)];
        View values = bed.Write(default, [rows, k]), indices = bed.Take([rows, k], DType.I32);
        bed.Backend.TopK(bed.Write(x, [rows, n]), values, indices);
        (float[] found, int[] places) = (bed.Read<float>(values), bed.Read<int>(indices));
        bed.Release();
        for (int row = 0; row < rows; row++)
        {
            float[] source = x[(row * n)..((row + 1) * n)];
            int[] expected = [.. Enumerable.Range(0, n).OrderByDescending(i => float.IsNaN(source[i])).ThenByDescending(i => source[i]).ThenBy(i => i).Take(k)];
            Assert.Equal(expected, places[(row * k)..((row + 1) * k)]);
            Assert.Equal(expected.Select(i => source[i]), found[(row * k)..((row + 1) * k)]);
        }
    }
}
