using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Attention of one token: what the last block of a vision transformer computes for a feature of the CLS token.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// The first token of <c>x.Linear(weight, bias).Attention(heads)</c>, without the queries, scores and results of the other tokens. This tensor is
    /// [B, N, C].
    /// </summary>
    /// <param name="weight">Rows of queries, keys and values, [3·H·D, C].</param>
    /// <param name="bias">[3·H·D], or <c>default</c> for none.</param>
    /// <param name="heads">H.</param>
    /// <returns>[B, H·D].</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit, or the weight has not 3·H·D rows.</exception>
    public Tensor FirstTokenAttention(Tensor weight, Tensor bias, int heads) => FirstTokenAttentionFunction.Apply(this, weight, bias, heads);

    /// <summary>The first token of <see cref="Attention(int, float)"/> over a packed qkv [B, N, 3·H·D], for inference.</summary>
    /// <param name="heads">H.</param>
    /// <returns>[B, H·D].</returns>
    /// <exception cref="ShapeMismatchException">The last axis is not divisible by 3·H.</exception>
    /// <exception cref="InvalidOperationException">This tensor requires a gradient: there is none here.</exception>
    public Tensor FirstTokenAttention(int heads)
    {
        Require(DType.F32, nameof(FirstTokenAttention));
        Autograd.NoGradient.Demand(nameof(FirstTokenAttention), this);
        if (Shape.Rank != 3 || Shape[1] < 1 || heads < 1 || Shape[2] % (3 * heads) != 0)
            throw new ShapeMismatchException($"FirstTokenAttention: qkv must be [B, N, 3·H·D] with H = {heads}; it is {Shape}.");
        Scope scope = Scope.Of(nameof(FirstTokenAttention), this);
        int width = Shape[2] / 3;
        FirstTokenLayout layout = new(Shape, width, heads) { RowStride = 3 * width, QueryStride = (long)Shape[1] * 3 * width };
        Tensor y = scope.Empty([Shape[0], width]);
        layout.Attend(scope, View, layout.Next(View), y.View).Release();
        return y;
    }

    private sealed class FirstTokenAttentionFunction : Function
    {
        private Tensor _x;
        private Tensor _weight;
        private Tensor _bias;
        private View _first;
        private View _queries;
        private View _keysValues;
        private View _probabilities;
        private int _heads;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor weight, Tensor bias, int heads)
        {
            x.Require(DType.F32, nameof(FirstTokenAttention));
            weight.Require(DType.F32, nameof(FirstTokenAttention));
            if (x.Shape.Rank != 3 || x.Shape[1] < 1 || weight.Shape.Rank != 2 || weight.Shape[1] != x.Shape[2] || heads < 1 || weight.Shape[0] % (3 * heads) != 0)
                throw new ShapeMismatchException($"FirstTokenAttention: x must be [B, N, C] and weight [3·H·D, C] with H = {heads}; they are {x.Shape} and {weight.Shape}.");
            if (bias.Exists && bias.Shape != new Shape(weight.Shape[0]))
                throw new ShapeMismatchException($"FirstTokenAttention: bias {bias.Shape} does not fit weight {weight.Shape}.");
            Scope scope = Scope.Of(nameof(FirstTokenAttention), x, weight, bias);
            FirstTokenLayout sizes = new(x.Shape, weight.Shape[0] / 3, heads);
            (int batch, int tokens, int channels, int width) = (sizes.Batch, sizes.Tokens, sizes.Channels, sizes.Width);
            Tensor y = scope.Empty([batch, width]);
            Tensor first = scope.Empty([batch, channels]), queries = scope.Empty([batch, width]);
            Tensor keysValues = scope.Empty([batch, tokens, 2 * width]);
            Backend backend = scope.Backend;
            backend.CopyStrided(sizes.FirstTokens(x.View), new StridedView(first.View), accumulate: false);
            (View rowsQ, View rowsKV) = sizes.Parts(scope.Multiplied(weight));
            (View biasQ, View biasKV) = sizes.Parts(OptionalView(bias));
            backend.Linear(first.View, rowsQ, biasQ, Activation.Identity, View.None, queries.View);
            backend.Linear(x.View, rowsKV, biasKV, Activation.Identity, View.None, keysValues.View);
            Tensor probabilities = sizes.Attend(scope, queries.View, keysValues.View, y.View);
            if (scope.Record<FirstTokenAttentionFunction>(y, x, weight, bias) is { } node)
            {
                (node._x, node._weight, node._bias, node._heads) = (x, weight, bias, heads);
                (node._first, node._queries, node._keysValues, node._probabilities) = (first.View, queries.View, keysValues.View, probabilities.View);
            }
            else
            {
                first.Release();
                queries.Release();
                keysValues.Release();
                probabilities.Release();
            }

            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            Backend backend = pass.Backend;
            View x = _x.View, weight = pass.Scope.Multiplied(_weight), dy = pass.OutputGradient;
            FirstTokenLayout sizes = new(x.Shape, dy.Columns, _heads);
            View dprobabilities = pass.Scratch(_probabilities.Shape), dscores = pass.Scratch(_probabilities.Shape), dqueries = pass.Scratch(_queries.Shape), dkeysValues = pass.Scratch(_keysValues.Shape);
            View values = sizes.Next(_keysValues), dvalues = sizes.Next(dkeysValues);
            int width = sizes.Width, channels = sizes.Channels, rows = sizes.Batch * sizes.Tokens;

            backend.MatMul(sizes.PerHead(dy, width, values, dprobabilities));
            backend.SoftmaxBackward(_probabilities, dprobabilities, new Destination(dscores));
            backend.MatMul(sizes.Outer(_probabilities, dy, dvalues));
            backend.MatMul(sizes.Outer(dscores, _queries, dkeysValues) with { Alpha = sizes.Scale });
            backend.MatMul(sizes.Mix(dscores, _keysValues, dqueries) with { Alpha = sizes.Scale });

            (View rowsQ, View rowsKV) = sizes.Parts(weight);
            if (pass.Gradient(_x) is { IsWanted: true } dx)
            {
                backend.MatMul(MatMulArguments.Single(dkeysValues.Address, rowsKV.Address, dx.View.Address, rows, channels, 2 * width) with { TypeB = weight.DType, Beta = dx.Beta });
                View dfirst = pass.Scratch(_first.Shape);
                backend.MatMul(MatMulArguments.Single(dqueries.Address, rowsQ.Address, dfirst.Address, sizes.Batch, channels, width) with { TypeB = weight.DType });
                backend.CopyStrided(new StridedView(dfirst), sizes.FirstTokens(dx.View), accumulate: true);
            }

            if (pass.Gradient(_weight) is { IsWanted: true } dw)
            {
                (View dwQ, View dwKV) = sizes.Parts(dw.View);
                backend.MatMul(MatMulArguments.Single(dqueries.Address, _first.Address, dwQ.Address, width, channels, sizes.Batch, transposeA: true) with { Beta = dw.Beta });
                backend.MatMul(MatMulArguments.Single(dkeysValues.Address, x.Address, dwKV.Address, 2 * width, channels, rows, transposeA: true) with { Beta = dw.Beta });
            }

            if (pass.Gradient(_bias) is { IsWanted: true } db)
            {
                (View dbQ, View dbKV) = sizes.Parts(db.View);
                backend.Reduce(ReduceOp.Sum, dqueries.As([1, sizes.Batch, width]), new Destination(dbQ.As([1, width]), db.Accumulate));
                backend.Reduce(ReduceOp.Sum, dkeysValues.As([1, rows, 2 * width]), new Destination(dbKV.As([1, 2 * width]), db.Accumulate));
            }
        }
    }
}
