namespace Dino.Tensors.Backends;

/// <summary>Attention from batched products and row softmax: the oracle of the fused kernels. Stores scores [B, H, N, N].</summary>
public abstract partial class Backend
{
    public virtual partial void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        PackedHeads heads = new(qkv, y, logSumExp, probabilities);
        using ScratchFrame scratch = OpenScratch();
        View scores = scratch.Take(heads.Scores);
        View p = probabilities.Exists ? probabilities : scratch.Take(heads.Scores);
        MatMul(heads.Score(qkv.Address, heads.Key(qkv), heads.Stride, scale, scores.Address));
        Softmax(scores, p);
        LogSumExp(scores, logSumExp);
        MatMul(heads.Combine(p.Address, heads.Value(qkv), y.Address, heads.Width, 1f, 0f));
    }

    public virtual partial void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        if (!dqkv.IsWanted)
            return;
        PackedHeads heads = new(qkv, y, logSumExp, View.None);
        using ScratchFrame scratch = OpenScratch();
        View p = scratch.Take(heads.Scores), dp = scratch.Take(heads.Scores), ds = scratch.Take(heads.Scores);
        MatMul(heads.Score(qkv.Address, heads.Key(qkv), heads.Stride, scale, p.Address));
        Binary(BinaryOp.Subtract, p, logSumExp, p, Broadcast.Column);
        Unary(UnaryOp.Exp, p, p);
        MatMul(heads.Score(dy.Address, heads.Value(qkv), heads.Width, 1f, dp.Address));
        SoftmaxBackward(p, dp, new Destination(ds));

        View d = dqkv.View;
        MatMul(heads.Combine(ds.Address, heads.Key(qkv), d.Address, heads.Stride, scale, dqkv.Beta));
        MatMul(heads.CombineTransposed(ds.Address, qkv.Address, heads.Stride, heads.Key(d), scale, dqkv.Beta));
        MatMul(heads.CombineTransposed(p.Address, dy.Address, heads.Width, heads.Value(d), 1f, dqkv.Beta));
    }

    /// <summary>y [R] = log Σ e^x over the rows of x [R, C], max-subtracted.</summary>
    private void LogSumExp(in View x, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        int rows = checked((int)x.Rows), columns = x.Columns;
        View largest = scratch.Take([rows]), shifted = scratch.Take([rows, columns]);
        Reduce(ReduceOp.Max, x.As([rows, columns, 1]), new Destination(largest));
        Binary(BinaryOp.Subtract, x.As([rows, columns]), largest, shifted, Broadcast.Column);
        Unary(UnaryOp.Exp, shifted, shifted);
        Reduce(ReduceOp.Sum, shifted.As([rows, columns, 1]), new Destination(y));
        Unary(UnaryOp.Log, y, y);
        Binary(BinaryOp.Add, y.As([rows]), largest, y.As([rows]), Broadcast.None);
    }

    /// <summary>Sizes and strides of packed qkv [B, N, 3, H, D] beside activations [B, N, H·D], and the products over their heads.</summary>
    internal readonly struct PackedHeads
    {
        public PackedHeads(in View qkv, in View y, in View logSumExp, in View probabilities)
        {
            if (qkv.Shape.Rank != 5 || qkv.Shape[2] != 3)
                throw new ShapeMismatchException($"Attention: qkv {qkv.Shape} is not [B, N, 3, H, D].");
            (Batch, Tokens, Heads, Depth) = (qkv.Shape[0], qkv.Shape[1], qkv.Shape[3], qkv.Shape[4]);
            Width = Heads * Depth;
            Stride = 3 * Width;
            if (y.Count != (long)Batch * Tokens * Width)
                throw new ShapeMismatchException($"Attention: qkv {qkv.Shape} gives [{Batch}, {Tokens}, {Width}], the output is {y.Shape}.");
            if (logSumExp.Count != (long)Batch * Heads * Tokens)
                throw new ShapeMismatchException($"Attention: qkv {qkv.Shape} has log-sum-exps [{Batch}, {Heads}, {Tokens}], not {logSumExp.Shape}.");
            if (probabilities.Exists && probabilities.Count != Scores.Count)
                throw new ShapeMismatchException($"Attention: qkv {qkv.Shape} has probabilities {Scores}, not {probabilities.Shape}.");
        }

        public int Batch { get; }

        public int Tokens { get; }

        public int Heads { get; }

        public int Depth { get; }

        /// <summary>H·D: elements between tokens of an activation.</summary>
        public int Width { get; }

        /// <summary>3·H·D: elements between tokens of qkv.</summary>
        public int Stride { get; }

        public Shape Scores => [Batch, Heads, Tokens, Tokens];

        public nint Key(in View qkv) => qkv.Address + (nint)Width * qkv.DType.Size();

        public nint Value(in View qkv) => qkv.Address + 2 * (nint)Width * qkv.DType.Size();

        /// <summary>scores [N, N] = alpha · a [N, D] · bᵀ for every head; b lies in qkv.</summary>
        public MatMulArguments Score(nint a, nint b, int strideA, float alpha, nint scores) => new()
        {
            A = a, B = b, Y = scores, M = Tokens, N = Tokens, K = Depth, TransposeB = true,
            StrideA = strideA, StrideB = Stride, StrideY = Tokens, Alpha = alpha, Beta = 0f,
            OuterBatch = Batch, OuterStrideA = (long)Tokens * strideA, OuterStrideB = (long)Tokens * Stride, OuterStrideY = (long)Heads * Tokens * Tokens,
            InnerBatch = Heads, InnerStrideA = Depth, InnerStrideB = Depth, InnerStrideY = (long)Tokens * Tokens,
        };

        /// <summary>y [N, D] = alpha · weights [N, N] · b + beta · y for every head; b lies in qkv.</summary>
        public MatMulArguments Combine(nint weights, nint b, nint y, int strideY, float alpha, float beta) => new()
        {
            A = weights, B = b, Y = y, M = Tokens, N = Depth, K = Tokens,
            StrideA = Tokens, StrideB = Stride, StrideY = strideY, Alpha = alpha, Beta = beta,
            OuterBatch = Batch, OuterStrideA = (long)Heads * Tokens * Tokens, OuterStrideB = (long)Tokens * Stride, OuterStrideY = (long)Tokens * strideY,
            InnerBatch = Heads, InnerStrideA = (long)Tokens * Tokens, InnerStrideB = Depth, InnerStrideY = Depth,
        };

        /// <summary>y [N, D] = alpha · weightsᵀ · b + beta · y for every head; y lies in the gradient of qkv.</summary>
        public MatMulArguments CombineTransposed(nint weights, nint b, int strideB, nint y, float alpha, float beta) =>
            Combine(weights, b, y, Stride, alpha, beta) with
            {
                TransposeA = true, StrideB = strideB, OuterStrideB = (long)Tokens * strideB,
            };
    }
}
