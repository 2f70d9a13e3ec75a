using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Attention that never stores scores. Heads that are too deep for that, or not made of quads, are composed of products.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Twin of <c>Heads</c> in <c>attention.cuh</c>.</summary>
    private readonly record struct HeadArguments(int Tokens, int Heads, int Depth, int Blocks, float Scale);

    private readonly record struct AttentionArguments(nint Qkv, nint Y, nint LogSumExp, HeadArguments Heads, int Padding = 0);

    private readonly record struct AttentionDotsArguments(nint Y, nint Dy, nint Dots, long Count, HeadArguments Heads, int Padding = 0);

    private readonly record struct AttentionBackwardArguments(nint Qkv, nint Dy, nint LogSumExp, nint Dots, nint Dqkv, HeadArguments Heads, uint Accumulate);

    /// <summary>Tiles of a kernel for heads of some depth: rows that a block makes, columns that it walks over at a time.</summary>
    private readonly record struct AttentionTiles(int Depth, int Rows, int Columns)
    {
        public int Threads => 2 * Rows;

        public int Forward(CudaPrecision precision) => ((Rows + (2 * Columns)) * RowBytes(precision)) + Exchange(precision);

        public int Backward(CudaPrecision precision) => (2 * (Rows + Columns) * RowBytes(precision)) + (2 * Columns * sizeof(float)) + Exchange(precision);

        private int RowBytes(CudaPrecision precision) => (Depth * (precision == CudaPrecision.BF16 ? 2 : 4)) + 16;

        private int Exchange(CudaPrecision precision) => precision == CudaPrecision.FP32 ? Rows * (Columns + 4) * sizeof(float) : 16;
    }

    private const int MostAttentionDepth = 128;

    private static readonly AttentionTiles s_shallow = new(64, 64, 64), s_deep = new(128, 64, 32), s_deepBackward = new(128, 32, 32);

    /// <summary>Endings of kernels by <see cref="CudaPrecision"/>, and behind them that of kernels for qkv in BF16.</summary>
    private static readonly string[] s_attentionFormats = ["fp32", "tf32", "bf16", "inner"];

    private static readonly string[] s_attentionModules = [.. s_attentionFormats.Select(format => "attention_" + format)];
    private static readonly string[] s_attentionBackwardModules = [.. s_attentionFormats.Select(format => "attention_backward_" + format)];
    private static readonly (string Shallow, string Deep)[] s_attentionKernels = Pairs("attention");
    private static readonly (string Shallow, string Deep)[] s_queryKernels = Pairs("attention_queries");
    private static readonly (string Shallow, string Deep)[] s_keyKernels = Pairs("attention_keys");

    public override void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        RequireAlike(nameof(Attention), qkv.DType, y);
        RequireF32(nameof(Attention), logSumExp.DType | probabilities.DType);
        PackedHeads heads = new(qkv, y, logSumExp, probabilities);
        if (heads.Depth > MostAttentionDepth || !AreUnits(qkv.Address | y.Address, qkv.DType, heads.Depth))
        {
            ComposeAttention(qkv, scale, y, logSumExp, probabilities);
            return;
        }

        if (y.Count == 0)
            return;
        bool isShallow = heads.Depth <= s_shallow.Depth;
        AttentionTiles tiles = isShallow ? s_shallow : s_deep;
        HeadArguments sizes = Sizes(heads, tiles, scale);
        int p = AttentionFormat(qkv.DType), bytes = tiles.Forward(precision);
        Kernel kernel = _kernels.WithShared(s_attentionModules[p], isShallow ? s_attentionKernels[p].Shallow : s_attentionKernels[p].Deep, bytes);
        Launch(kernel, new AttentionArguments(qkv.Address, y.Address, logSumExp.Address, sizes), Blocks(heads, sizes), tiles.Threads, bytes);
        if (!probabilities.Exists)
            return;
        // With the roundings of the kernel above: rows then sum to 1 as well as its own do.
        MatMulArguments product = heads.Score(qkv.Address, heads.Key(qkv), heads.Stride, scale, probabilities.Address) with { TypeA = qkv.DType, TypeB = qkv.DType };
        Multiply(product, PlainTail(product));
        Binary(BinaryOp.Subtract, probabilities, logSumExp, probabilities, Broadcast.Column);
        Unary(UnaryOp.Exp, probabilities, probabilities, 0, 0);
    }

    /// <remarks>One kernel makes the gradient of queries and another that of keys and values: scores are computed twice, and no sum is left to chance.</remarks>
    public override void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        if (!dqkv.IsWanted || y.Count == 0)
            return;
        RequireAlike(nameof(AttentionBackward), qkv.DType, y, dy, dqkv.View);
        RequireF32(nameof(AttentionBackward), logSumExp.DType);
        PackedHeads heads = new(qkv, y, logSumExp, View.None);
        if (heads.Depth > MostAttentionDepth || !AreUnits(qkv.Address | y.Address | dy.Address | dqkv.View.Address, qkv.DType, heads.Depth))
        {
            ComposeAttentionBackward(qkv, scale, y, logSumExp, dy, dqkv);
            return;
        }

        bool isShallow = heads.Depth <= s_shallow.Depth;
        AttentionTiles tiles = isShallow ? s_shallow : s_deepBackward;
        HeadArguments sizes = Sizes(heads, tiles, scale);
        using ScratchFrame scratch = OpenScratch();
        View dots = scratch.Take(logSumExp.Shape);
        LaunchOver(_kernels["attention_dots", qkv.DType == DType.F32 ? "attention_dots" : "attention_dots_inner"], new AttentionDotsArguments(y.Address, dy.Address, dots.Address, dots.Count, sizes), 16 * dots.Count);
        AttentionBackwardArguments arguments = new(qkv.Address, dy.Address, logSumExp.Address, dots.Address, dqkv.View.Address, sizes, dqkv.Accumulate ? 1u : 0u);
        int p = AttentionFormat(qkv.DType), bytes = tiles.Backward(precision);
        Run(s_queryKernels[p]);
        Run(s_keyKernels[p]);

        void Run((string Shallow, string Deep) names) =>
            Launch(_kernels.WithShared(s_attentionBackwardModules[p], isShallow ? names.Shallow : names.Deep, bytes), arguments, Blocks(heads, sizes), tiles.Threads, bytes);
    }

    /// <summary>Attention from products, which are made of F32.</summary>
    private void ComposeAttention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        using ScratchFrame scratch = OpenScratch();
        View result = y.DType == DType.F32 ? y : scratch.Take(y.Shape);
        base.Attention(Widened(qkv, scratch), scale, result, logSumExp, probabilities);
        if (result != y)
            Cast(result, y);
    }

    private void ComposeAttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        using ScratchFrame scratch = OpenScratch();
        Destination result = dqkv.View.DType == DType.F32 ? dqkv : dqkv with { View = scratch.Take(dqkv.View.Shape) };
        if (result != dqkv && dqkv.Accumulate)
            Cast(dqkv.View, result.View);
        base.AttentionBackward(Widened(qkv, scratch), scale, Widened(y, scratch), logSumExp, Widened(dy, scratch), result);
        if (result != dqkv)
            Cast(result.View, dqkv.View);
    }

    private View Widened(in View x, in ScratchFrame scratch)
    {
        if (x.DType == DType.F32)
            return x;
        View widened = scratch.Take(x.Shape);
        Cast(x, widened);
        return widened;
    }

    private int AttentionFormat(DType type) => type == DType.F32 ? (int)precision : s_attentionFormats.Length - 1;

    /// <summary>Whether rows can be moved 16 bytes at a time.</summary>
    private static bool AreUnits(nint addresses, DType type, int depth) => addresses % 16 == 0 && depth * type.Size() % 16 == 0;

    private static HeadArguments Sizes(in PackedHeads heads, in AttentionTiles tiles, float scale) =>
        new(heads.Tokens, heads.Heads, heads.Depth, ((heads.Tokens - 1) / tiles.Rows) + 1, scale);

    private static long Blocks(in PackedHeads heads, in HeadArguments sizes) => (long)heads.Batch * heads.Heads * sizes.Blocks;

    private static (string Shallow, string Deep)[] Pairs(string stem) => [.. s_attentionFormats.Select(format => ($"{stem}_{format}_64", $"{stem}_{format}_128"))];
}
