using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>A piece of work that runs kernels, and gives what it leaves in memory.</summary>
internal delegate float[][] Work(DeviceBed bed);

/// <summary>Work for every kernel that has a barrier: large enough that several warps and steps are at it, and no larger.</summary>
/// <param name="Skew">Elements between 16-byte boundaries and the beginnings of operands; 1 has kernels run that take one element at a time.</param>
internal sealed record MutationExample(Work[] Works, CudaPrecision Precision = CudaPrecision.FP32, int Skew = 0)
{
    public static IReadOnlyDictionary<string, MutationExample> All { get; } = new Dictionary<string, MutationExample>
    {
        ["rows"] = new(Problems(RowProblems.All, (2, 4100))),
        ["rows that begin anywhere"] = new(Problems(RowProblems.All, (2, 1500)), Skew: 1),
        ["norms"] = new(Problems(NormProblems.All, (2, 3000), (2, 4100), (70, 100), (2051, 17), (40, 512), (40, 1024))),
        ["norms that begin anywhere"] = new(Problems(NormProblems.All, (2, 1500), (70, 100)), Skew: 1),
        ["reductions"] = new([.. Enum.GetValues<ReduceOp>().SelectMany(op =>
            new[] { (9000, 1), (300, 33), (70, 256), (3000, 5), (1100, 128) }.Select<(int N, int Inner), Work>(size => bed => Reduce(bed, op, size.N, size.Inner)))]),
        ["places"] = new([.. new[] { (9000, 1), (20_000, 1), (300, 33), (40_000, 2) }.SelectMany<(int N, int Inner), Work>(size =>
            [bed => ArgReduce(bed, true, size.N, size.Inner), bed => ArgReduce(bed, false, size.N, size.Inner)])]),
        ["selection"] = new([.. new[] { (2, 5000, 20), (1, 5000, 1024), (2, 1100, 1100), (1, 9000, 9000), (1, 100_000, 700) }.Select<(int Rows, int N, int K), Work>(size =>
            bed => TopK(bed, size.Rows, size.N, size.K))]),
        ["optimizers"] = new([.. Enumerable.Select(["Lars", "LarsSweep", "Norms", "ClipEach", "ClipTogether"], name => Solve(() => OptimizerProblems.All[name]([9000, 3, 5000])))]),
        ["loss"] = new([Solve(() => new DinoLossProblems(3, 2, 2, 4100).Forward(1e-6)), Solve(() => new DinoLossProblems(3, 1, 350, 5).Forward(1e-6))]),
        ["copies"] = new(
            [bed => Transpose(bed, DType.F32, true), .. Enumerable.SelectMany<DType, Work>([DType.F32, DType.BF16, DType.U8], type => [bed => Transpose(bed, type, false), bed => Repeat(bed, type, false)]),
                bed => Repeat(bed, DType.F32, true)]),
        ["scattering"] = new([bed => Scatter(bed, 8), bed => Scatter(bed, 5)]),
        ["views"] = new([Views]),
        ["products fp32"] = new(Products, CudaPrecision.FP32),
        ["products tf32"] = new(Products, CudaPrecision.TF32),
        ["products bf16"] = new(Products, CudaPrecision.BF16),
        ["attention fp32"] = new(Attention, CudaPrecision.FP32),
        ["attention tf32"] = new(Attention, CudaPrecision.TF32),
        ["attention bf16"] = new(Attention, CudaPrecision.BF16),
        ["brain floats"] = new(InnerExamples.All, CudaPrecision.BF16),
        ["brain floats that begin anywhere"] = new(InnerExamples.Norms((2, 1500), (70, 100)), CudaPrecision.BF16, Skew: 1),
    };

    private static Work[] Products => [.. Enumerable.SelectMany<int, Work>([32, 64, 128], tile => [bed => Product(bed, tile), bed => Packed(bed, tile, WeightFormat.BF16), bed => Packed(bed, tile, WeightFormat.I8)])];

    private static Work[] Attention =>
        [.. Enumerable.SelectMany<int, Work>([64, 128], depth => [Solve(() => new AttentionProblems(1, 70, 1, depth).Forward(false)), Solve(() => new AttentionProblems(1, 70, 1, depth).Backward())])];

    private static Work[] Problems(IReadOnlyDictionary<string, Func<int, int, KernelProblem>> problems, params (int Rows, int Columns)[] sizes) =>
        [.. problems.Values.SelectMany(problem => sizes.Select(size => Solve(() => problem(size.Rows, size.Columns))))];

    private static Work Solve(Func<KernelProblem> problem)
    {
        Lazy<KernelProblem> made = new(problem);
        return bed => bed.Solve(made.Value);
    }

    private static float[][] Reduce(DeviceBed bed, ReduceOp op, int n, int inner)
    {
        View x = bed.Write(Values(n * inner), [1, n, inner]), y = bed.Write(default, [1, inner]);
        bed.Backend.Reduce(op, x, new Destination(y));
        return [bed.Read<float>(y)];
    }

    private static float[][] ArgReduce(DeviceBed bed, bool largest, int n, int inner)
    {
        View x = bed.Write(Values(n * inner), [1, n, inner]), y = bed.Take([1, inner], DType.I32);
        bed.Backend.ArgReduce(largest, x, y);
        return [Indices(bed, y)];
    }

    private static float[][] TopK(DeviceBed bed, int rows, int n, int k)
    {
        View values = bed.Write(default, [rows, k]), indices = bed.Take([rows, k], DType.I32);
        bed.Backend.TopK(bed.Write(Values(rows * n), [rows, n]), values, indices);
        return [bed.Read<float>(values), Indices(bed, indices)];
    }

    private static float[][] Transpose(DeviceBed bed, DType type, bool accumulate)
    {
        (View x, View y) = (Filled(bed, [70, 130], type, 1), Filled(bed, [130, 70], type, 2));
        bed.Backend.CopyStrided(new StridedView(x.Address, type, [130, 70], 1, 130), new StridedView(y), accumulate);
        return [Bytes(bed, y)];
    }

    /// <summary>Writes, or adds, rows onto the same row.</summary>
    private static float[][] Repeat(DeviceBed bed, DType type, bool accumulate)
    {
        (View x, View y) = (Filled(bed, [9, 130], type, 1), Filled(bed, [130], type, 2));
        // The columns are turned round from row to row by one, so that the same thread does not write an element twice.
        bed.Backend.CopyStrided(new StridedView(x.Address, type, [9, 121], 130, 1), new StridedView(y.Address, type, [9, 121], 1, 1), accumulate);
        return [Bytes(bed, y)];
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

    private static float[][] Packed(DeviceBed bed, int tile, WeightFormat format)
    {
        (int rows, int outputs, int inputs) = (tile + 4, tile, 100);
        View memory = bed.Take([checked((int)bed.Backend.PackedBytes(format, outputs, inputs))], DType.U8);
        PackedView packed = new(memory.Address, format, outputs, inputs);
        bed.Backend.Pack(bed.Write(Values(outputs * inputs), [outputs, inputs]), packed);
        View x = bed.Write(Values(rows * inputs), [rows, inputs]), y = bed.Write(default, [rows, outputs]);
        ((CudaBackend)bed.Backend).ForcedPlan = new ProductPlan(tile, 1, 112);
        bed.Backend.PackedLinear(x, packed, View.None, Activation.Identity, View.None, y);
        return [bed.Read<float>(y)];
    }

    /// <summary>Views that several tiles, warps and rounds are at: one with contrast, both blurred.</summary>
    private static float[][] Views(DeviceBed bed)
    {
        const int Side = 40;
        PictureCrop crop = new() { PictureWidth = 60, Width = 60, Height = 90, BlurRadius = 1, BlurFull = 5_000_000, BlurEdge = 800_000, SolarizeThreshold = 200 };
        using Augmentation augmentation = bed.Backend.CreateAugmentation()!;
        // Page-locked, as uploads of pictures have to be.
        using System.Buffers.IMemoryOwner<byte> picture = augmentation.AllocateHost(3 * 60 * 90);
        new Random(1).NextBytes(picture.Memory.Span);
        View y = bed.Write(default, [2, 3, Side, Side]);
        augmentation.Upload([picture.Memory]);
        augmentation.Make([crop, crop with { Steps = new ColorSteps().Then(ColorStep.Contrast), Contrast = 0.5f }], new CropFormat(Side, CropFilter.Bicubic, (0, 0, 0), (1, 1, 1)), y);
        return [bed.Read<float>(y)];
    }

    private static float[] Indices(DeviceBed bed, View indices) => [.. bed.Read<int>(indices).Select(index => (float)index)];

    private static float[] Bytes(DeviceBed bed, View view)
    {
        byte[] bytes = new byte[view.Bytes];
        bed.Backend.Download(view, bytes);
        return [.. bytes.Select(value => (float)value)];
    }

    private static View Filled(DeviceBed bed, Shape shape, DType type, int seed)
    {
        View view = bed.Take(shape, type);
        byte[] bytes = new byte[view.Bytes];
        new Random(seed).NextBytes(bytes);
        bed.Backend.Upload(bytes, view);
        return view;
    }

    private static float[] Values(int count)
    {
        Random random = new(count);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
