using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>
/// Damage to the kernels that ship has to be noticed: either the emulator objects, or a result differs. A barrier may be there for a case that an example
/// does not have; those that nobody misses are named with it.
/// </summary>
public sealed class MutationTests
{
    private static readonly Dictionary<string, Example> Examples = new()
    {
        ["rows"] = new([.. RowProblems.All.Values.SelectMany(problem => new[] { (2, 4100), (2, 16388) }.Select(size => Solve(() => problem(size.Item1, size.Item2))))]),
        ["norms"] = new([.. NormProblems.All.Values.SelectMany(problem =>
            new[] { (2, 4100), (2, 16388), (70, 100), (2051, 17), (40, 512), (40, 1024) }.Select(size => Solve(() => problem(size.Item1, size.Item2))))]),
        ["reductions"] = new([.. Enum.GetValues<ReduceOp>().SelectMany(op =>
            new[] { (9000, 1), (300, 33), (70, 256), (3000, 5), (1100, 128) }.Select<(int N, int Inner), Work>(size => bed => Reduce(bed, op, size.N, size.Inner))), bed => ArgReduce(bed)]),
        ["selection"] = new([.. new[] { (2, 5000, 20), (1, 5000, 1024), (2, 1100, 1100), (1, 40_000, 7) }.Select<(int Rows, int N, int K), Work>(size => bed => TopK(bed, size.Rows, size.N, size.K))]),
        ["optimizers"] = new([.. Enumerable.Select<string, Work>(["Lars", "LarsSweep", "Norms", "ClipEach", "ClipTogether"], name => Solve(() => OptimizerProblems.All[name]([9000, 3, 5000])))]),
        ["loss"] = new([Solve(() => new DinoLossProblems(3, 2, 2, 4100).Forward(1e-6)), Solve(() => new DinoLossProblems(3, 1, 350, 5).Forward(1e-6))]),
        ["copies"] = new([bed => Transpose(bed, false), bed => Transpose(bed, true)]),
        ["scattering"] = new([bed => Scatter(bed, 8), bed => Scatter(bed, 5)]),
        ["products fp32"] = new(Products, CudaPrecision.FP32),
        ["products tf32"] = new(Products, CudaPrecision.TF32),
        ["products bf16"] = new(Products, CudaPrecision.BF16),
        ["attention fp32"] = new(Attention, CudaPrecision.FP32),
        ["attention tf32"] = new(Attention, CudaPrecision.TF32),
        ["attention bf16"] = new(Attention, CudaPrecision.BF16),
    };

    public static TheoryData<string> Names => [.. Examples.Keys];

    [Fact]
    public void Every_kernel_with_a_barrier_is_damaged_in_some_example()
    {
        HashSet<string> covered = [];
        foreach (Example example in Examples.Values)
        {
            foreach (Work work in example.Works)
            {
                EmulatedMachine machine = new();
                Run(work, example.Precision, machine);
                covered.UnionWith(machine.Kernels);
            }
        }

        Assert.Fail(string.Join("\n", Modules().SelectMany(PtxMutations.KernelsWithBarriers).Where(kernel => !covered.Contains(kernel))));
    }

    private static Work[] Products => [.. Enumerable.Select<int, Work>([32, 64, 128], tile => bed => Product(bed, tile))];

    private static Work[] Attention =>
        [.. Enumerable.SelectMany<int, Work>([64, 128], depth => [Solve(() => new AttentionProblems(1, 70, 1, depth).Forward(false)), Solve(() => new AttentionProblems(1, 70, 1, depth).Backward())])];

    [Theory, MemberData(nameof(Names))]
    public void Damaged_kernels_are_noticed(string name)
    {
        Example example = Examples[name];
        string[] modules = Modules();
        Dictionary<string, List<(Work Work, float[][] Expected)>> byKernel = [];
        foreach (Work work in example.Works)
        {
            EmulatedMachine machine = new();
            float[][] expected = Run(work, example.Precision, machine);
            foreach (string kernel in machine.Kernels)
                (byKernel.TryGetValue(kernel, out List<(Work, float[][])>? works) ? works : byKernel[kernel] = []).Add((work, expected));
        }

        int count = 0;
        List<string> unnoticed = [];
        foreach ((string kernel, List<(Work Work, float[][] Expected)> works) in byKernel)
        {
            string text = modules.Single(text => text.Contains($".entry {kernel}(", StringComparison.Ordinal));
            foreach (PtxMutation mutation in PtxMutations.Of(text, kernel))
            {
                count++;
                if (!works.Any(item => IsNoticed(item.Work, item.Expected, example.Precision, text, mutation)))
                    unnoticed.Add(mutation.Description);
            }
        }

        Assert.True(count > 0, $"No kernel of '{name}' has anything to damage.");
        Assert.True(unnoticed.Count == 0, string.Join('\n', unnoticed));
    }

    private static bool IsNoticed(Work work, float[][] expected, CudaPrecision precision, string text, PtxMutation mutation)
    {
        try
        {
            float[][] found = Run(work, precision, new EmulatedMachine { Edit = loaded => loaded == text ? mutation.Text : loaded });
            return expected.Zip(found).Any(pair => !MemoryMarshal.AsBytes(pair.First.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(pair.Second.AsSpan())));
        }
        catch (CudaException)
        {
            return true;
        }
    }

    private static float[][] Run(Work work, CudaPrecision precision, EmulatedMachine machine)
    {
        using DeviceBed bed = new(new CudaDevice(CudaDevices.Find(new EmulatedHost(machine)), 0, precision));
        return work(bed);
    }

    private static Work Solve(Func<KernelProblem> problem)
    {
        Lazy<KernelProblem> made = new(problem);
        return bed => bed.Solve(made.Value);
    }

    private static string[] Modules() =>
        [.. typeof(KernelModules).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".ptx", StringComparison.Ordinal))
            .Select(name => System.Text.Encoding.UTF8.GetString(KernelModules.Source(Path.GetFileNameWithoutExtension(name))).TrimEnd('\0'))];

    private static float[][] Reduce(DeviceBed bed, ReduceOp op, int n, int inner)
    {
        View x = bed.Write(Values(n * inner), [1, n, inner]), y = bed.Write(default, [1, inner]);
        bed.Backend.Reduce(op, x, new Destination(y));
        return [bed.Read<float>(y)];
    }

    private static float[][] ArgReduce(DeviceBed bed)
    {
        View row = bed.Write(Values(9000), [1, 9000, 1]), columns = bed.Write(Values(9900), [1, 300, 33]), one = bed.Take([1, 1], DType.I32), many = bed.Take([1, 33], DType.I32);
        bed.Backend.ArgReduce(true, row, one);
        bed.Backend.ArgReduce(false, columns, many);
        return [Indices(bed, one), Indices(bed, many)];
    }

    private static float[][] TopK(DeviceBed bed, int rows, int n, int k)
    {
        View values = bed.Write(default, [rows, k]), indices = bed.Take([rows, k], DType.I32);
        bed.Backend.TopK(bed.Write(Values(rows * n), [rows, n]), values, indices);
        return [bed.Read<float>(values), Indices(bed, indices)];
    }

    private static float[][] Transpose(DeviceBed bed, bool accumulate)
    {
        View x = bed.Write(Values(70 * 130), [70, 130]), y = bed.Write(Values(70 * 130), [130, 70]);
        bed.Backend.CopyStrided(new StridedView(x.Address, DType.F32, [130, 70], 1, 130), new StridedView(y), accumulate);
        return [bed.Read<float>(y)];
    }

    private static float[][] Scatter(DeviceBed bed, int columns)
    {
        int[] indices = [.. Enumerable.Range(0, 2100).Select(i => i < 64 ? 3 : i % 5 == 0 ? 1 : 4 + (i % 90))];
        View x = bed.Write(Values(2100 * columns), [2100, columns]), places = bed.Take([2100], DType.I32), y = bed.Write(Values(100 * columns), [100, columns]);
        bed.Backend.Upload(MemoryMarshal.AsBytes(indices.AsSpan()), places);
        bed.Backend.ScatterAddRows(x, places, y);
        return [bed.Read<float>(y)];
    }

    private static float[][] Product(DeviceBed bed, int tile)
    {
        (int m, int n, int k) = (tile + 4, tile, 100);
        View a = bed.Write(Values(m * k), [m, k]), b = bed.Write(Values(k * n), [k, n]), y = bed.Write(default, [m, n]);
        ((CudaBackend)bed.Backend).ForcedPlan = new ProductPlan(tile, 1, 112);
        bed.Backend.MatMul(MatMulArguments.Single(a.Address, b.Address, y.Address, m, n, k));
        return [bed.Read<float>(y)];
    }

    private static float[] Indices(DeviceBed bed, View indices) => [.. bed.Read<int>(indices).Select(index => (float)index)];

    private static float[] Values(int count)
    {
        Random random = new(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }

    /// <summary>Pieces of work that run kernels, each by itself.</summary>
    private sealed record Example(Work[] Works, CudaPrecision Precision = CudaPrecision.FP32);

    private delegate float[][] Work(DeviceBed bed);
}
