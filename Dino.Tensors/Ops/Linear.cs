using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Linear layers.</summary>
public readonly partial struct Tensor
{
    /// <summary>residual + factors · activation(x · weightᵀ + bias).</summary>
    /// <param name="weight">[N, K], as in torch.</param>
    /// <param name="bias">[N], or <c>default</c> for none.</param>
    /// <param name="activation">Fused into the product.</param>
    /// <param name="residual">[.., N], added at the end; <c>default</c> for none.</param>
    /// <param name="factors">[F], one for each run of rows / F rows, or <c>default</c> for 1. Carries no gradient.</param>
    /// <param name="type">Element type of the result: F32, or without residual and factors <see cref="Backend.InnerType"/>. The input may have either.</param>
    /// <returns>[.., N] for an input [.., K].</returns>
    /// <exception cref="ShapeMismatchException">The input does not end in K, the bias is not [N], the residual is not [.., N], or the factors do not divide the rows.</exception>
    public Tensor Linear(Tensor weight, Tensor bias = default, Activation activation = Activation.Identity, Tensor residual = default, Tensor factors = default, DType type = DType.F32) =>
        LinearFunction.Apply(this, weight, bias, activation, residual, factors, type);

    private sealed class LinearFunction : Function
    {
        private Tensor _x;
        private Tensor _weight;
        private Tensor _bias;
        private Tensor _residual;
        private Activation _activation;
        private Tensor _factors;
        private View _preActivation;

        protected internal override bool ReadsOutput => false;

        protected internal override bool CanRecompute => _activation != Activation.Identity && !_residual.Exists && !_factors.Exists;

        public static Tensor Apply(Tensor x, Tensor weight, Tensor bias, Activation activation, Tensor residual, Tensor factors, DType type)
        {
            x.RequireInner(nameof(Linear));
            Shape shape = Check(nameof(Linear), x.Shape, weight, bias);
            CheckJoin(nameof(Linear), shape, residual, factors);
            Scope scope = Scope.Of(nameof(Linear), x, weight, bias, residual, factors);
            scope.RequireInner(type, nameof(Linear));
            if (type != DType.F32 && (residual.Exists || factors.Exists))
                throw new NotSupportedException($"Linear: a result with a residual or factors is F32, not {type}.");
            Spare spare = Spare.Of(x);
            Tensor y = scope.Empty(shape, type, spare);
            LinearFunction? node = scope.Record<LinearFunction>(y, x, weight, bias, residual, factors);
            View preActivation = node is not null && activation != Activation.Identity ? scope.Empty(shape, type, spare).View : View.None;
            scope.Backend.Linear(x.View, scope.Multiplied(weight), OptionalView(bias), activation, preActivation, y.View, OptionalView(residual), OptionalView(factors));
            if (node is not null)
            {
                (node._x, node._weight, node._bias, node._residual) = (x, weight, bias, residual);
                (node._factors, node._activation, node._preActivation) = (factors, activation, preActivation);
            }

            return y;
        }

        private UnaryOp Operation => _activation == Activation.Gelu ? UnaryOp.Gelu : UnaryOp.Relu;

        protected internal override void Recompute(Backend backend, View y) => backend.Unary(Operation, _preActivation, y);

        protected override void Backward(in BackwardPass pass)
        {
            View x = _x.View, weight = pass.Scope.Multiplied(_weight), dy = pass.OutputGradient;
            if (_factors.Exists)
            {
                View scaled = pass.Scratch([_factors.Shape[0], checked((int)(dy.Count / _factors.Count))]);
                pass.Backend.Binary(BinaryOp.Multiply, dy.As(scaled.Shape), _factors.View, scaled, Broadcast.Column);
                dy = scaled.As(dy.Shape);
            }

            if (_activation != Activation.Identity)
            {
                View inner = pass.Scratch(dy.Shape, dy.DType, _x), y = _preActivation;
                // Output may hold a residual too, so the activation's own value is made again where its gradient reads it: GELU's does not.
                if (_activation == Activation.Relu)
                    Recompute(pass.Backend, y = pass.Scratch(dy.Shape, dy.DType, _x));
                pass.Backend.UnaryBackward(Operation, _preActivation, y, dy, new Destination(inner));
                dy = inner;
            }

            ProductGradients(pass, dy, _x, x, _weight, weight, _bias);
            pass.PassThrough(_residual);
        }

        /// <summary>Gradients of x · weightᵀ + bias.</summary>
        /// <param name="dy">[.., N].</param>
        public static void ProductGradients(in BackwardPass pass, View dy, Tensor input, View x, Tensor parameter, View weight, Tensor bias)
        {
            (int rows, int n, int k) = (checked((int)x.Rows), weight.Shape[0], weight.Shape[1]);
            if (pass.Gradient(input) is { IsWanted: true } dx)
                pass.Backend.MatMul(MatMulArguments.Single(dy.Address, weight.Address, dx.View.Address, rows, k, n) with { TypeA = dy.DType, TypeB = weight.DType, TypeY = dx.View.DType, Beta = dx.Beta });
            pass.Backend.LinearGradients(dy.As([rows, n]), x.As([rows, k]), pass.Gradient(parameter), pass.Gradient(bias));
        }

        /// <summary>Checks a layer; returns the shape of what it makes.</summary>
        public static Shape Check(string operation, Shape input, Tensor weight, Tensor bias)
        {
            weight.Require(DType.F32, operation);
            if (weight.Shape.Rank != 2 || input.Rank == 0 || input[-1] != weight.Shape[1])
                throw new ShapeMismatchException($"{operation}: input {input} ends in {(input.Rank == 0 ? 1 : input[-1])}, weight {weight.Shape} expects {weight.Shape[-1]}.");
            if (bias.Exists)
            {
                bias.Require(DType.F32, operation);
                if (bias.Shape != new Shape(weight.Shape[0]))
                    throw new ShapeMismatchException($"{operation}: bias {bias.Shape} does not fit weight {weight.Shape}.");
            }

            return input.With(-1, weight.Shape[0]);
        }

        /// <summary>Checks what a layer's result is scaled by and added to.</summary>
        public static void CheckJoin(string operation, Shape result, Tensor residual, Tensor factors)
        {
            if (residual.Exists)
            {
                residual.Require(DType.F32, operation);
                if (residual.Shape != result)
                    throw new ShapeMismatchException($"{operation}: residual {residual.Shape} does not fit the result {result}.");
            }

            if (factors.Exists)
            {
                factors.Require(DType.F32, operation);
                Autograd.NoGradient.Demand(operation, factors);
                long rows = result.Count / Math.Max(1, result[-1]);
                if (factors.Shape.Rank != 1 || factors.Count == 0 || rows % factors.Count != 0)
                    throw new ShapeMismatchException($"{operation}: factors {factors.Shape} must be one for each of equal runs of the {rows} rows of {result}.");
            }
        }
    }
}
