using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The weight-normalised linear layer.</summary>
public readonly partial struct Tensor
{
    /// <summary>x · wᵀ with w = g · v / ‖v‖ by rows: the same as <c>Linear(v.WeightNorm(g))</c>, but w [N, K] is never made.</summary>
    /// <param name="v">Directions [N, K].</param>
    /// <param name="g">Lengths [N, 1] or [N].</param>
    /// <returns>[.., N] for an input [.., K].</returns>
    /// <exception cref="ShapeMismatchException">The input does not end in K, or g has not one length a row.</exception>
    /// <remarks>
    /// Salimans and Kingma 2016, eq. 2. The factor g / ‖v‖ goes to the columns of the product, which are much smaller than the 65536 prototypes of
    /// DINO; the gradient of w is formed where that of v will be.
    /// </remarks>
    public Tensor WeightNormLinear(Tensor v, Tensor g) => WeightNormLinearFunction.Apply(this, v, g);

    private sealed class WeightNormLinearFunction : Function
    {
        private Tensor _x;
        private Tensor _v;
        private Tensor _g;
        private View _norms;
        private View _factors;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor v, Tensor g)
        {
            x.Require(DType.F32, nameof(WeightNormLinear));
            v.Require(DType.F32, nameof(WeightNormLinear));
            g.Require(DType.F32, nameof(WeightNormLinear));
            if (v.Shape.Rank != 2 || g.Count != v.Shape[0] || x.Shape.Rank == 0 || x.Shape[-1] != v.Shape[1])
                throw new ShapeMismatchException($"WeightNormLinear: x must be [.., K], v [N, K] and g [N, 1]; they are {x.Shape}, {v.Shape} and {g.Shape}.");
            Scope scope = Scope.Of(nameof(WeightNormLinear), x, v, g);
            (int n, int k) = (v.Shape[0], v.Shape[1]);
            Tensor y = scope.Empty(x.Shape.With(-1, n));
            View norms = scope.Empty([n]).View, factors = scope.Empty([n]).View;
            Backend backend = scope.Backend;
            backend.Reduce(ReduceOp.SumOfSquares, v.View.As([n, k, 1]), new Destination(norms.As([n, 1])));
            backend.Unary(UnaryOp.Sqrt, norms, norms);
            backend.Binary(BinaryOp.Divide, g.View.As([n]), norms, factors, Broadcast.None);
            View directions = scope.Multiplied(v);
            backend.MatMul(MatMulArguments.Single(x.View.Address, directions.Address, y.View.Address, checked((int)x.View.Rows), n, k, transposeB: true) with { TypeB = directions.DType });
            backend.Binary(BinaryOp.Multiply, y.View, factors, y.View, Broadcast.Row);
            if (scope.Record<WeightNormLinearFunction>(y, x, v, g) is { } node)
                (node._x, node._v, node._g, node._norms, node._factors) = (x, v, g, norms, factors);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            View x = _x.View, v = _v.View, dy = pass.OutputGradient;
            (int rows, int n, int k) = (checked((int)x.Rows), v.Shape[0], v.Shape[1]);
            Shape lengths = [n];
            if (pass.Gradient(_x) is { IsWanted: true } dx)
            {
                View scaled = pass.Scratch(dy.Shape);
                pass.Backend.Binary(BinaryOp.Multiply, dy, _factors, scaled, Broadcast.Row);
                View directions = pass.Scope.Multiplied(_v);
                pass.Backend.MatMul(MatMulArguments.Single(scaled.Address, directions.Address, dx.View.Address, rows, k, n) with { TypeB = directions.DType, Beta = dx.Beta });
            }

            (Destination dv, Destination dg) = (pass.Gradient(_v), pass.Gradient(_g));
            if (!dv.IsWanted && !dg.IsWanted)
                return;
            View dw = dv is { IsWanted: true, Accumulate: false } ? dv.View : pass.Scratch(v.Shape);
            pass.Backend.MatMul(MatMulArguments.Single(dy.Address, x.Address, dw.Address, n, k, rows, transposeA: true));
            if (dg.IsWanted)
                dg = dg with { View = dg.View.As(lengths) };
            pass.Backend.WeightNormBackward(v, _g.View.As(lengths), _norms, dw, dv, dg);
        }
    }
}
