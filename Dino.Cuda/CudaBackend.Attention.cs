using Dino.Cuda.Native;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Attention that never stores scores. Heads that are too deep for that, or not made of quads, are composed of products.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Twin of <c>Heads</c> in <c>attention.cuh</c>.</summary>
    private readonly record struct HeadArguments(int Tokens, int Heads, int Depth, int Blocks, float Scale);

    private readonly record struct AttentionArguments(nint Qkv, nint Y, nint LogSumExp, HeadArguments Heads);

    private readonly record struct AttentionDotsArguments(nint Y, nint Dy, nint Dots, long Count, HeadArguments Heads);

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

    private static readonly string[] s_attentionModules = ["attention_fp32", "attention_tf32", "attention_bf16"];
    private static readonly string[] s_attentionBackwardModules = ["attention_backward_fp32", "attention_backward_tf32", "attention_backward_bf16"];
    private static readonly (string Shallow, string Deep)[] s_attentionKernels = Pairs("attention");
    private static readonly (string Shallow, string Deep)[] s_queryKernels = Pairs("attention_queries");
    private static readonly (string Shallow, string Deep)[] s_keyKernels = Pairs("attention_keys");

    public override void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        PackedHeads heads = new(qkv, y, logSumExp, probabilities);
        if (heads.Depth > MostAttentionDepth || !AreQuads(qkv.Address | y.Address, heads.Depth))
        {
            base.Attention(qkv, scale, y, logSumExp, probabilities);
            return;
        }

        if (y.Count == 0)
            return;
        bool isShallow = heads.Depth <= s_shallow.Depth;
        AttentionTiles tiles = isShallow ? s_shallow : s_deep;
        HeadArguments sizes = Sizes(heads, tiles, scale);
        int p = (int)precision, bytes = tiles.Forward(precision);
        Kernel kernel = _kernels.WithShared(s_attentionModules[p], isShallow ? s_attentionKernels[p].Shallow : s_attentionKernels[p].Deep, bytes);
        Launch(kernel, new AttentionArguments(qkv.Address, y.Address, logSumExp.Address, sizes), Blocks(heads, sizes), tiles.Threads, bytes);
        if (!probabilities.Exists)
            return;
        // With the roundings of the kernel above: rows then sum to 1 as well as its own do.
        MatMulArguments product = heads.Score(qkv.Address, heads.Key(qkv), heads.Stride, scale, probabilities.Address);
        Multiply(product, PlainTail(product));
        Binary(BinaryOp.Subtract, probabilities, logSumExp, probabilities, Broadcast.Column);
        Unary(UnaryOp.Exp, probabilities, probabilities, 0, 0);
    }

    /// <remarks>One kernel makes the gradient of queries and another that of keys and values: scores are computed twice, and no sum is left to chance.</remarks>
    public override void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        PackedHeads heads = new(qkv, y, logSumExp, View.None);
        if (heads.Depth > MostAttentionDepth || !AreQuads(qkv.Address | y.Address | dy.Address | dqkv.View.Address, heads.Depth))
        {
            base.AttentionBackward(qkv, scale, y, logSumExp, dy, dqkv);
            return;
        }

        if (!dqkv.IsWanted || y.Count == 0)
            return;
        bool isShallow = heads.Depth <= s_shallow.Depth;
        AttentionTiles tiles = isShallow ? s_shallow : s_deepBackward;
        HeadArguments sizes = Sizes(heads, tiles, scale);
        using ScratchFrame scratch = OpenScratch();
        View dots = scratch.Take(logSumExp.Shape);
        LaunchOver(_kernels["attention_dots", "attention_dots"], new AttentionDotsArguments(y.Address, dy.Address, dots.Address, dots.Count, sizes), 16 * dots.Count);
        AttentionBackwardArguments arguments = new(qkv.Address, dy.Address, logSumExp.Address, dots.Address, dqkv.View.Address, sizes, dqkv.Accumulate ? 1u : 0u);
        int p = (int)precision, bytes = tiles.Backward(precision);
        Run(s_queryKernels[p]);
        Run(s_keyKernels[p]);

        void Run((string Shallow, string Deep) names) =>
            Launch(_kernels.WithShared(s_attentionBackwardModules[p], isShallow ? names.Shallow : names.Deep, bytes), arguments, Blocks(heads, sizes), tiles.Threads, bytes);
    }

    private static HeadArguments Sizes(in PackedHeads heads, in AttentionTiles tiles, float scale) =>
        new(heads.Tokens, heads.Heads, heads.Depth, ((heads.Tokens - 1) / tiles.Rows) + 1, scale);

    private static long Blocks(in PackedHeads heads, in HeadArguments sizes) => (long)heads.Batch * heads.Heads * sizes.Blocks;

    private static (string Shallow, string Deep)[] Pairs(string stem) => [.. ((string[])["fp32", "tf32", "bf16"]).Select(format => ($"{stem}_{format}_64", $"{stem}_{format}_128"))];
}
