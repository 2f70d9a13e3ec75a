using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Where the query of the first token and the keys and values of all tokens lie, and the products over all heads of all samples.</summary>
/// <param name="x">[B, N, C].</param>
/// <param name="width">H·D.</param>
/// <param name="heads">H.</param>
internal readonly struct FirstTokenLayout(Shape x, int width, int heads)
{
    public int Batch => x[0];

    public int Tokens => x[1];

    public int Channels => x[2];

    /// <summary>H·D.</summary>
    public int Width => width;

    /// <summary>1/√D.</summary>
    public float Scale => 1 / MathF.Sqrt(Depth);

    /// <summary>Elements between the keys of two tokens.</summary>
    public int RowStride { get; init; } = 2 * width;

    /// <summary>Elements between the queries of two samples.</summary>
    public long QueryStride { get; init; } = width;

    private int Depth => width / heads;

    /// <summary>y [B, H·D] = softmax(scale q kᵀ) v; returns the probabilities [B, H, N].</summary>
    /// <param name="queries">First query.</param>
    /// <param name="keys">First key; values follow each by H·D.</param>
    public Tensor Attend(Scope scope, in View queries, in View keys, in View y)
    {
        Tensor scores = scope.Empty([Batch, heads, Tokens]), probabilities = scope.Empty([Batch, heads, Tokens]);
        scope.Backend.MatMul(PerHead(queries, QueryStride, keys, scores.View) with { Alpha = Scale });
        scope.Backend.Softmax(scores.View, probabilities.View);
        scores.Release();
        scope.Backend.MatMul(Mix(probabilities.View, Next(keys), y));
        return probabilities;
    }

    /// <summary>Rows of the queries, and rows of keys and values, of a weight or bias.</summary>
    public (View Queries, View KeysValues) Parts(View parameter)
    {
        if (!parameter.Exists)
            return (View.None, View.None);
        if (parameter.Shape.Rank == 1)
            return (parameter.Slice(0, [width]), parameter.Slice(width, [2 * width]));
        return (parameter.Slice(0, [width, parameter.Columns]), parameter.Slice((long)width * parameter.Columns, [2 * width, parameter.Columns]));
    }

    /// <summary>Token 0 of every sample of [B, N, C].</summary>
    public StridedView FirstTokens(in View tokens) => new(tokens.Address, tokens.DType, [Batch, Channels], (long)Tokens * Channels, 1);

    /// <summary>From queries to keys, or from keys to values: H·D elements on, rows keep their stride.</summary>
    public View Next(in View rows) => rows with { Address = rows.Address + ((nint)width * sizeof(float)) };

    /// <summary>y [B, H, N] = one row [B, H·D] a head times its keys (or values)ᵀ.</summary>
    public MatMulArguments PerHead(in View row, long stride, in View keys, in View y) => Batched(
        MatMulArguments.Single(row.Address, keys.Address, y.Address, 1, Tokens, Depth, transposeB: true) with { StrideB = RowStride },
        (stride, Depth), ((long)Tokens * RowStride, Depth), ((long)heads * Tokens, Tokens));

    /// <summary>y [B, H·D] = weights [B, H, N] times values (or keys).</summary>
    public MatMulArguments Mix(in View weights, in View values, in View y) => Batched(
        MatMulArguments.Single(weights.Address, values.Address, y.Address, 1, Depth, Tokens) with { StrideB = RowStride },
        ((long)heads * Tokens, Tokens), ((long)Tokens * RowStride, Depth), (width, Depth));

    /// <summary>y, rows like keys or values, = weights [B, H, N] times one row [B, H·D] a head.</summary>
    public MatMulArguments Outer(in View weights, in View row, in View y) => Batched(
        MatMulArguments.Single(weights.Address, row.Address, y.Address, Tokens, Depth, 1, transposeA: true) with { StrideY = RowStride },
        ((long)heads * Tokens, Tokens), (width, Depth), ((long)Tokens * RowStride, Depth));

    private MatMulArguments Batched(in MatMulArguments single, (long Outer, long Inner) a, (long Outer, long Inner) b, (long Outer, long Inner) y) => single with
    {
        OuterBatch = Batch, InnerBatch = heads,
        OuterStrideA = a.Outer, InnerStrideA = a.Inner,
        OuterStrideB = b.Outer, InnerStrideB = b.Inner,
        OuterStrideY = y.Outer, InnerStrideY = y.Inner,
    };
}
