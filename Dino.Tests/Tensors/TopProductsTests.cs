using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>The search for the largest products against a sort of all of them. Small whole numbers make every product exact, ties included.</summary>
public sealed class TopProductsTests
{
    public static TheoryData<string> AllDevices => Devices.All;

    [Theory, MemberData(nameof(AllDevices))]
    public void Values_and_indices_are_those_of_a_sort(string name)
    {
        using Device device = Devices.Create(name);
        // One panel and several, short last ones, blocks of rows that end in a short tile, k beyond a tile and beyond the longest list, depth of several blocks.
        foreach ((int rows, int count, int depth, int k) in new[] { (1, 1, 1, 1), (5, 7, 3, 7), (9, 48, 16, 5), (37, 49, 33, 20), (130, 1000, 20, 64), (11, 400, 900, 10), (6, 700, 8, 300), (3, 6, 0, 2) })
        {
            foreach (bool withOffsets in new[] { false, true })
                Check(device, rows, count, depth, k, withOffsets);
        }
    }

    [Theory, MemberData(nameof(AllDevices))]
    public void Memory_larger_than_what_is_packed_at_a_time_is_searched_whole(string name)
    {
        using Device device = Devices.Create(name);
        // 2,100 rows of 2,048 are 4.3 million elements: three packings.
        Check(device, 19, 2_100, 2_048, 12, withOffsets: true);
    }

    [Theory, MemberData(nameof(AllDevices))]
    public void NaN_ranks_first_and_infinities_are_found(string name)
    {
        using Device device = Devices.Create(name);
        float[] memory = new float[200 * 4];
        for (int i = 0; i < 200; i++)
            memory[i * 4] = i % 7;
        (memory[150 * 4], memory[170 * 4], memory[60 * 4], memory[199 * 4]) = (float.NaN, float.NaN, float.PositiveInfinity, float.NegativeInfinity);
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor values = scope.Upload<float>([1, 0, 0, 0], [1, 4]).TopProducts(scope.Upload(memory, [200, 4]), 5, out Tensor indices);
        Assert.Equal([150, 170, 60, 6, 13], Indices(device, indices));
        Assert.Equal([float.NaN, float.NaN, float.PositiveInfinity, 6, 6], values.ToArray());
    }

    [Fact]
    public void Result_does_not_depend_on_the_number_of_threads()
    {
        float[][] results = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using CpuDevice device = new(threads);
            using Scope scope = device.OpenScope(GradMode.Off);
            Tensor x = scope.Upload(Numbers(1, 500 * 384, 0.001f), [500, 384]), memory = scope.Upload(Numbers(2, 3_000 * 384, 0.001f), [3_000, 384]);
            Tensor values = x.TopProducts(memory, 20, out Tensor indices);
            return (float[])[.. values.ToArray(), .. Indices(device, indices).Select(index => (float)index)];
        })];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public void Operands_that_do_not_fit_are_refused()
    {
        using Scope scope = CpuDevice.Shared.OpenScope();
        Tensor x = scope.Empty([2, 3]), memory = scope.Empty([4, 3]);
        Assert.Throws<ShapeMismatchException>(() => x.TopProducts(scope.Empty([4, 2]), 1, out _));
        Assert.Throws<ShapeMismatchException>(() => x.TopProducts(memory, 5, out _));
        Assert.Throws<ShapeMismatchException>(() => x.TopProducts(memory, 1, out _, scope.Empty([3])));
        using TensorStore store = new(CpuDevice.Shared, [[4, 3]], withGradients: true);
        Assert.Throws<InvalidOperationException>(() => x.TopProducts(store[0], 1, out _));
    }

    private static void Check(Device device, int rows, int count, int depth, int k, bool withOffsets)
    {
        float[] x = Numbers(rows, rows * depth, 1), memory = Numbers(count + 1, count * depth, 1), offsets = Numbers(7, count, 1);
        using Scope scope = device.OpenScope(GradMode.Off);
        Tensor values = scope.Upload(x, [rows, depth]).TopProducts(scope.Upload(memory, [count, depth]), k, out Tensor indices, withOffsets ? scope.Upload(offsets, [count]) : default);
        (float[] actual, int[] places) = (values.ToArray(), Indices(device, indices));
        for (int i = 0; i < rows; i++)
        {
            float[] products = [.. Enumerable.Range(0, count).Select(j => (withOffsets ? offsets[j] : 0) + Enumerable.Range(0, depth).Sum(d => x[(i * depth) + d] * memory[(j * depth) + d]))];
            int[] expected = [.. Enumerable.Range(0, count).OrderByDescending(j => products[j]).ThenBy(j => j).Take(k)];
            Assert.Equal(expected, places[(i * k)..((i + 1) * k)]);
            Assert.Equal(expected.Select(j => products[j]), actual[(i * k)..((i + 1) * k)]);
        }
    }

    /// <summary>Whole numbers from -3 to 3, times a scale.</summary>
    private static float[] Numbers(int seed, int count, float scale)
    {
        Random random = new(seed);
        float[] values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = scale * (scale == 1 ? random.Next(-3, 4) : random.Next(-3000, 3001));
        return values;
    }

    private static int[] Indices(Device device, Tensor indices)
    {
        int[] values = new int[indices.Count];
        device.Backend.Download(indices.View, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
