using System.Runtime.InteropServices;
using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Work for every kernel with a barrier whose operands are brain floats.</summary>
internal static class InnerExamples
{
    public static Work[] All =>
    [
        .. Norms((2, 3000), (2, 4100), (70, 100), (2051, 17), (40, 512), (40, 1024)),
        .. new[] { (9000, 1), (300, 33), (70, 256), (3000, 5), (1100, 128) }.Select<(int N, int Inner), Work>(size => bed => Sum(bed, Brain(bed, 1, size.N, size.Inner))),
        // What partial sums of brain floats are joined by has to be missed, too.
        bed => Sum(bed, Single(bed, 1, 9000, 1)),
        .. Enumerable.SelectMany<int, Work>([32, 64, 128], tile => [bed => Product(bed, tile, DType.BF16), bed => Product(bed, tile, DType.F32)]),
        .. Enumerable.Select<int, Work>([64, 128], depth => bed => Attention(bed, depth)),
    ];

    public static Work[] Norms(params (int Rows, int Columns)[] sizes) => [.. sizes.Select<(int Rows, int Columns), Work>(size => bed => Norm(bed, size.Rows, size.Columns))];

    /// <summary>Layer norm and its gradient.</summary>
    private static float[][] Norm(DeviceBed bed, int rows, int columns)
    {
        View x = Single(bed, rows, columns), gamma = Single(bed, columns), beta = Single(bed, columns), mean = Single(bed, rows), deviation = Single(bed, rows);
        View y = Brain(bed, rows, columns), dx = Single(bed, rows, columns), dgamma = Single(bed, columns), dbeta = Single(bed, columns);
        bed.Backend.LayerNorm(x, gamma, beta, 1e-6f, y, mean, deviation);
        bed.Backend.LayerNormBackward(x, gamma, mean, deviation, Brain(bed, rows, columns), new(dx), new(dgamma), new(dbeta));
        return [Halves(bed, y), bed.Read<float>(dx), bed.Read<float>(dgamma), bed.Read<float>(dbeta)];
    }

    private static float[][] Sum(DeviceBed bed, View x)
    {
        View y = Single(bed, 1, x.Columns);
        bed.Backend.Reduce(ReduceOp.Sum, x, new Destination(y));
        return [bed.Read<float>(y)];
    }

    private static float[][] Product(DeviceBed bed, int tile, DType second)
    {
        (int m, int n, int k) = (tile + 4, tile, 100);
        View a = Brain(bed, m, k), b = second == DType.BF16 ? Brain(bed, k, n) : Single(bed, k, n), y = Single(bed, m, n);
        ((CudaBackend)bed.Backend).ForcedPlan = new ProductPlan(tile, 1, 112);
        bed.Backend.MatMul(MatMulArguments.Single(a.Address, b.Address, y.Address, m, n, k) with { TypeA = DType.BF16, TypeB = second });
        return [bed.Read<float>(y)];
    }

    /// <summary>Attention and its gradient.</summary>
    private static float[][] Attention(DeviceBed bed, int depth)
    {
        const int Tokens = 70;
        View qkv = Brain(bed, 1, Tokens, 3, 1, depth), y = Brain(bed, 1, Tokens, depth), sums = Single(bed, 1, 1, Tokens), dqkv = Brain(bed, 1, Tokens, 3, 1, depth);
        bed.Backend.Attention(qkv, 0.125f, y, sums, View.None);
        bed.Backend.AttentionBackward(qkv, 0.125f, y, sums, Brain(bed, 1, Tokens, depth), new(dqkv));
        return [Halves(bed, y), bed.Read<float>(sums), Halves(bed, dqkv)];
    }

    private static View Single(DeviceBed bed, params ReadOnlySpan<int> shape) => bed.Write(Values(new Shape(shape).Count), new Shape(shape));

    private static View Brain(DeviceBed bed, params ReadOnlySpan<int> shape)
    {
        View view = bed.Take(new Shape(shape), DType.BF16);
        short[] halves = Array.ConvertAll(Values(view.Count), value => (short)(BitConverter.SingleToUInt32Bits(value) >> 16));
        bed.Backend.Upload(MemoryMarshal.AsBytes(halves.AsSpan()), view);
        return view;
    }

    private static float[] Halves(DeviceBed bed, View view) => Array.ConvertAll(bed.Read<short>(view), value => (float)value);

    private static float[] Values(long count)
    {
        Random random = new((int)count);
        return [.. Enumerable.Range(0, (int)count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
