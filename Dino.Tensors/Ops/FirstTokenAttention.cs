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
            Sizes sizes = new(x.Shape, weight.Shape[0] / 3, heads);
            (int batch, int tokens, int channels, int width) = (sizes.Batch, sizes.Tokens, sizes.Channels, sizes.Width);
            Tensor y = scope.Empty([batch, width]);
            Tensor first = scope.Empty([batch, channels]), queries = scope.Empty([batch, width]);
            Tensor keysValues = scope.Empty([batch, tokens, 2 * width]), probabilities = scope.Empty([batch, heads, tokens]);
            Backend backend = scope.Backend;
            backend.CopyStrided(sizes.FirstTokens(x.View), new StridedView(first.View), accumulate: false);
            (View rowsQ, View rowsKV) = sizes.Parts(weight.View);
            (View biasQ, View biasKV) = sizes.Parts(OptionalView(bias));
            backend.Linear(first.View, rowsQ, biasQ, Activation.Identity, View.None, queries.View);
            backend.Linear(x.View, rowsKV, biasKV, Activation.Identity, View.None, keysValues.View);
            Tensor scores = scope.Empty(probabilities.Shape);
            backend.MatMul(sizes.PerHead(queries.View, keysValues.View, scores.View) with { Alpha = sizes.Scale });
            backend.Softmax(scores.View, probabilities.View);
            scores.Release();
            backend.MatMul(sizes.Mix(probabilities.View, sizes.Values(keysValues.View), y.View));
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
            View x = _x.View, weight = _weight.View, dy = pass.OutputGradient;
            Sizes sizes = new(x.Shape, dy.Columns, _heads);
            View dprobabilities = pass.Scratch(_probabilities.Shape), dscores = pass.Scratch(_probabilities.Shape), dqueries = pass.Scratch(_queries.Shape), dkeysValues = pass.Scratch(_keysValues.Shape);
            View values = sizes.Values(_keysValues), dvalues = sizes.Values(dkeysValues);

            backend.MatMul(sizes.PerHead(dy, values, dprobabilities));
            backend.SoftmaxBackward(_probabilities, dprobabilities, new Destination(dscores));
            backend.MatMul(sizes.Outer(_probabilities, dy, dvalues));
            backend.MatMul(sizes.Outer(dscores, _queries, dkeysValues) with { Alpha = sizes.Scale });
            backend.MatMul(sizes.Mix(dscores, _keysValues, dqueries) with { Alpha = sizes.Scale });

            (View rowsQ, View rowsKV) = sizes.Parts(weight);
            int width = sizes.Width, channels = sizes.Channels, rows = sizes.Batch * sizes.Tokens;
            if (pass.Gradient(_x) is { IsWanted: true } dx)
            {
                backend.MatMul(MatMulArguments.Single(dkeysValues.Address, rowsKV.Address, dx.View.Address, rows, channels, 2 * width) with { Beta = dx.Beta });
                View dfirst = pass.Scratch(_first.Shape);
                backend.MatMul(MatMulArguments.Single(dqueries.Address, rowsQ.Address, dfirst.Address, sizes.Batch, channels, width));
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

        /// <summary>Where queries, keys and values lie, and the products over all heads of all samples.</summary>
        private readonly struct Sizes(Shape x, int width, int heads)
        {
            public int Batch => x[0];

            public int Tokens => x[1];

            public int Channels => x[2];

            /// <summary>H·D.</summary>
            public int Width => width;

            public float Scale => 1 / MathF.Sqrt(Depth);

            private int Depth => width / heads;

            /// <summary>Rows of the queries, and rows of keys and values, of a weight or bias.</summary>
            public (View Queries, View KeysValues) Parts(View parameter)
            {
                if (!parameter.Exists)
                    return (View.None, View.None);
                int columns = parameter.Shape.Rank == 1 ? 1 : parameter.Columns;
                Shape Rows(int rows) => columns == 1 && parameter.Shape.Rank == 1 ? [rows] : [rows, columns];
                return (parameter.Slice(0, Rows(width)), parameter.Slice((long)width * columns, Rows(2 * width)));
            }

            /// <summary>Token 0 of every sample of [B, N, C].</summary>
            public StridedView FirstTokens(in View tokens) => new(tokens.Address, tokens.DType, [Batch, Channels], (long)Tokens * Channels, 1);

            /// <summary>The same memory from the first value on: rows keep their stride of 2·H·D.</summary>
            public View Values(in View keysValues) => keysValues with { Address = keysValues.Address + ((nint)width * sizeof(float)) };

            /// <summary>y [B, H, N] = one row [B, H·D] a head times its keys (or values) [B, N, ..]ᵀ.</summary>
            public MatMulArguments PerHead(in View row, in View keys, in View y) => Batched(
                MatMulArguments.Single(row.Address, keys.Address, y.Address, 1, Tokens, Depth, transposeB: true) with { StrideB = 2 * width },
                (width, Depth), ((long)Tokens * 2 * width, Depth), ((long)heads * Tokens, Tokens));

            /// <summary>y [B, H·D] = weights [B, H, N] times values (or keys).</summary>
            public MatMulArguments Mix(in View weights, in View values, in View y) => Batched(
                MatMulArguments.Single(weights.Address, values.Address, y.Address, 1, Depth, Tokens) with { StrideB = 2 * width },
                ((long)heads * Tokens, Tokens), ((long)Tokens * 2 * width, Depth), (width, Depth));

            /// <summary>y [B, N, ..] = weights [B, H, N] times one row [B, H·D] a head.</summary>
            public MatMulArguments Outer(in View weights, in View row, in View y) => Batched(
                MatMulArguments.Single(weights.Address, row.Address, y.Address, Tokens, Depth, 1, transposeA: true) with { StrideY = 2 * width },
                ((long)heads * Tokens, Tokens), (width, Depth), ((long)Tokens * 2 * width, Depth));

            private MatMulArguments Batched(in MatMulArguments single, (long Outer, long Inner) a, (long Outer, long Inner) b, (long Outer, long Inner) y) => single with
            {
                OuterBatch = Batch, InnerBatch = heads,
                OuterStrideA = a.Outer, InnerStrideA = a.Inner,
                OuterStrideB = b.Outer, InnerStrideB = b.Inner,
                OuterStrideY = y.Outer, InnerStrideY = y.Inner,
            };
        }
    }
}
