using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Products with a gate or with a learned factor for each channel: what the blocks of DINOv2 and DINOv3 add to those of DINO.</summary>
public readonly partial struct Tensor
{
    /// <summary>silu(a) · b, where a and b are the first and the second half of the last axis: the gate of a SwiGLU layer.</summary>
    /// <returns>[.., C] for an input [.., 2C].</returns>
    /// <exception cref="ShapeMismatchException">The last axis is not even.</exception>
    /// <remarks>Shazeer 2020, eq. 6.</remarks>
    public Tensor SwiGlu()
    {
        int half = Shape.Rank == 0 ? 0 : Shape[-1] / 2;
        if (Shape.Rank == 0 || Shape[-1] != 2 * half)
            throw new ShapeMismatchException($"SwiGlu: the last axis of {Shape} does not fall into two halves.");
        Tensor gate = Slice(-1, 0, half), values = Slice(-1, half);
        Tensor y = gate.SwiGlu(values);
        gate.Release();
        values.Release();
        return y;
    }

    /// <summary>silu(this) · values.</summary>
    /// <param name="values">As many elements as the gate, in the same shape.</param>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public Tensor SwiGlu(Tensor values) => SwiGluFunction.Apply(this, values);

    /// <summary>residual + factors · gamma · x, with one gamma for each channel: the LayerScale of a residual branch.</summary>
    /// <param name="gamma">[C].</param>
    /// <param name="residual">[.., C], or <c>default</c> for none.</param>
    /// <param name="factors">[F], one for each run of rows / F rows (drop path: for each sample), or <c>default</c> for 1. Carries no gradient.</param>
    /// <returns>[.., C].</returns>
    /// <exception cref="ShapeMismatchException">gamma is not [C], the residual has another shape, or the factors do not divide the rows.</exception>
    /// <remarks>Touvron et al. 2021, "Going deeper with image transformers", eq. 4.</remarks>
    public Tensor LayerScale(Tensor gamma, Tensor residual = default, Tensor factors = default) => LayerScaleFunction.Apply(this, gamma, residual, factors);

    private sealed class SwiGluFunction : Function
    {
        private Tensor _gate;
        private Tensor _values;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor gate, Tensor values)
        {
            gate.Require(DType.F32, nameof(SwiGlu));
            values.Require(DType.F32, nameof(SwiGlu));
            if (gate.Shape != values.Shape)
                throw new ShapeMismatchException($"SwiGlu: the gate {gate.Shape} and its values {values.Shape} differ in shape.");
            Scope scope = Scope.Of(nameof(SwiGlu), gate, values);
            Tensor y = scope.Empty(gate.Shape);
            scope.Backend.Unary(UnaryOp.Silu, gate.View, y.View);
            scope.Backend.Binary(BinaryOp.Multiply, y.View, values.View, y.View, Broadcast.None);
            if (scope.Record<SwiGluFunction>(y, gate, values) is { } node)
                (node._gate, node._values) = (gate, values);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            Backend backend = pass.Backend;
            View gate = _gate.View, dy = pass.OutputGradient, silu = pass.Scratch(gate.Shape), product = pass.Scratch(gate.Shape);
            backend.Unary(UnaryOp.Silu, gate, silu);
            if (pass.Gradient(_values) is { IsWanted: true } dvalues)
            {
                backend.Binary(BinaryOp.Multiply, dy, silu, product, Broadcast.None);
                backend.Axpby(1, product, dvalues.Beta, dvalues.View);
            }

            if (pass.Gradient(_gate) is { IsWanted: true } dgate)
            {
                backend.Binary(BinaryOp.Multiply, dy, _values.View, product, Broadcast.None);
                backend.UnaryBackward(UnaryOp.Silu, gate, silu, product, dgate);
            }
        }
    }

    private sealed class LayerScaleFunction : Function
    {
        private Tensor _x;
        private Tensor _gamma;
        private Tensor _residual;
        private Tensor _factors;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor gamma, Tensor residual, Tensor factors)
        {
            x.Require(DType.F32, nameof(LayerScale));
            RequireChannels(nameof(LayerScale), x, gamma, nameof(gamma));
            if (residual.Exists && residual.Shape != x.Shape)
                throw new ShapeMismatchException($"LayerScale: residual {residual.Shape} does not fit the branch {x.Shape}.");
            if (factors.Exists)
            {
                Autograd.NoGradient.Demand(nameof(LayerScale), factors);
                if (factors.Shape.Rank != 1 || factors.Count == 0 || x.View.Rows % factors.Count != 0)
                    throw new ShapeMismatchException($"LayerScale: factors {factors.Shape} must be one for each of equal runs of the {x.View.Rows} rows of {x.Shape}.");
            }

            Scope scope = Scope.Of(nameof(LayerScale), x, gamma, residual, factors);
            Tensor y = scope.Empty(x.Shape);
            scope.Backend.Binary(BinaryOp.Multiply, x.View, gamma.View, y.View, Broadcast.Row);
            if (factors.Exists)
                Drop(scope.Backend, y.View, factors.View, y.View);
            if (residual.Exists)
                scope.Backend.Axpby(1, residual.View, 1, y.View);
            if (scope.Record<LayerScaleFunction>(y, x, gamma, residual, factors) is { } node)
                (node._x, node._gamma, node._residual, node._factors) = (x, gamma, residual, factors);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            Backend backend = pass.Backend;
            View dy = pass.OutputGradient, product = pass.Scratch(dy.Shape);
            if (_factors.Exists)
            {
                View dropped = pass.Scratch(dy.Shape);
                Drop(backend, dy, _factors.View, dropped);
                dy = dropped;
            }

            if (pass.Gradient(_gamma) is { IsWanted: true } dgamma)
            {
                backend.Binary(BinaryOp.Multiply, dy, _x.View, product, Broadcast.None);
                int channels = dy.Columns;
                backend.Reduce(ReduceOp.Sum, product.As([1, checked((int)dy.Rows), channels]), dgamma with { View = dgamma.View.As([1, channels]) });
            }

            if (pass.Gradient(_x) is { IsWanted: true } dx)
            {
                View scaled = dx.Accumulate ? product : dx.View;
                backend.Binary(BinaryOp.Multiply, dy, _gamma.View, scaled, Broadcast.Row);
                if (dx.Accumulate)
                    backend.Axpby(1, scaled, 1, dx.View);
            }

            pass.PassThrough(_residual);
        }

        /// <summary>y = factors · x, a factor for each run of rows; y may be x.</summary>
        private static void Drop(Backend backend, in View x, in View factors, in View y)
        {
            Shape runs = [factors.Shape[0], checked((int)(x.Count / factors.Count))];
            backend.Binary(BinaryOp.Multiply, x.As(runs), factors, y.As(runs), Broadcast.Column);
        }
    }
}
