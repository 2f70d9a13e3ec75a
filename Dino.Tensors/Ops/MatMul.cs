using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Matrix products.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// Matrix product of the last two axes; leading axes broadcast. A vector on the left is a row, on the right a column, and the axis
    /// added for it disappears from the result.
    /// </summary>
    /// <param name="other">[.., K, N], or [.., N, K] with <paramref name="transposeOther"/>.</param>
    /// <param name="transpose">This is [.., K, M] instead of [.., M, K].</param>
    /// <param name="transposeOther">Whether the other is stored transposed.</param>
    /// <returns>[.., M, N].</returns>
    /// <exception cref="ShapeMismatchException">The summed lengths differ, or the leading axes do not broadcast.</exception>
    public Tensor MatMul(Tensor other, bool transpose = false, bool transposeOther = false)
    {
        Tensor a = this, b = other;
        bool row = a.Shape.Rank == 1, column = b.Shape.Rank == 1;
        if (row)
            a = a.Reshape(1, a.Shape[0]);
        if (column)
            b = b.Reshape(b.Shape[0], 1);
        if (a.Shape.Rank < 2 || b.Shape.Rank < 2)
            throw new ShapeMismatchException($"MatMul: {Shape} and {other.Shape} must have at least one axis.");
        Tensor y = MatMulFunction.Apply(a, b, transpose && !row, transposeOther && !column);
        if (row)
            y = y.Reshape(y.Shape.Without(-2));
        return column ? y.Reshape(y.Shape.Without(-1)) : y;
    }

    private sealed class MatMulFunction : Function
    {
        private Tensor _a;
        private Tensor _b;
        private bool _transposeA;
        private bool _transposeB;
        private int _batch;

        public static Tensor Apply(Tensor a, Tensor b, bool transposeA, bool transposeB)
        {
            a.Require(DType.F32, nameof(MatMul));
            b.Require(DType.F32, nameof(MatMul));
            (Shape left, Shape right) = (a.Shape, b.Shape);
            (int m, int k) = transposeA ? (left[-1], left[-2]) : (left[-2], left[-1]);
            (int k2, int n) = transposeB ? (right[-1], right[-2]) : (right[-2], right[-1]);
            if (k != k2)
                throw new ShapeMismatchException($"MatMul: {left}{(transposeA ? "ᵀ" : "")} sums over {k}, {right}{(transposeB ? "ᵀ" : "")} over {k2}.");
            Shape batch = Broadcasting.Combine(nameof(MatMul), Leading(left), Leading(right));
            Shape result = batch.Append(m, n);
            if (right.Count == (long)right[-1] * right[-2] && !transposeA)
            {
                // One right matrix for all: the left batch is more rows of one product.
                a = a.Reshape(checked((int)(left.Count / Math.Max(k, 1))), k);
                b = b.Reshape(right[-2], right[-1]);
            }
            else
            {
                a = a.Expand(batch.Append(left[-2], left[-1]));
                b = b.Expand(batch.Append(right[-2], right[-1]));
            }

            Scope scope = Scope.Of(nameof(MatMul), a, b);
            int matrices = checked((int)(a.Count / Math.Max((long)a.Shape[-1] * a.Shape[-2], 1)));
            int rows = a.Shape.Rank == 2 && !transposeA ? a.Shape[0] : m;
            Tensor y = scope.Empty(result);
            scope.Backend.MatMul(Product(a.View, b.View, y.View, rows, n, k, transposeA, transposeB, matrices, 0));
            if (scope.Record<MatMulFunction>(y, a, b) is { } node)
                (node._a, node._b, node._transposeA, node._transposeB, node._batch) = (a, b, transposeA, transposeB, matrices);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            (Shape left, Shape right) = (_a.Shape, _b.Shape);
            (int m, int k) = _transposeA ? (left[-1], left[-2]) : (left[-2], left[-1]);
            int n = _transposeB ? right[-2] : right[-1];
            View a = _a.View, b = _b.View, dy = pass.OutputGradient;
            if (pass.Gradient(_a) is { IsWanted: true } da)
            {
                // da = dy bᵀ, or its transpose b dyᵀ where a is stored transposed.
                pass.Backend.MatMul(_transposeA
                    ? Product(b, dy, da.View, k, m, n, _transposeB, true, _batch, da.Beta)
                    : Product(dy, b, da.View, m, k, n, false, !_transposeB, _batch, da.Beta));
            }

            if (pass.Gradient(_b) is { IsWanted: true } db)
            {
                pass.Backend.MatMul(_transposeB
                    ? Product(dy, a, db.View, n, k, m, true, _transposeA, _batch, db.Beta)
                    : Product(a, dy, db.View, k, n, m, !_transposeA, false, _batch, db.Beta));
            }
        }

        private static MatMulArguments Product(View a, View b, View y, int m, int n, int k, bool transposeA, bool transposeB, int batch, float beta) =>
            MatMulArguments.Single(a.Address, b.Address, y.Address, m, n, k, transposeA, transposeB) with
            {
                Beta = beta,
                OuterBatch = batch,
                OuterStrideA = (long)m * k,
                OuterStrideB = (long)k * n,
                OuterStrideY = (long)m * n,
            };

        private static Shape Leading(Shape shape) => new(shape.AsSpan()[..^2]);
    }
}
