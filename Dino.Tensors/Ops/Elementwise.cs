using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Functions of one operand, element by element.</summary>
public readonly partial struct Tensor
{
    /// <summary>|x|; the gradient is 0 at 0.</summary>
    public Tensor Abs() => UnaryFunction.Apply(UnaryOp.Abs, this);

    /// <summary>e^x.</summary>
    public Tensor Exp() => UnaryFunction.Apply(UnaryOp.Exp, this);

    /// <summary>Natural logarithm.</summary>
    public Tensor Log() => UnaryFunction.Apply(UnaryOp.Log, this);

    /// <summary>Square root.</summary>
    public Tensor Sqrt() => UnaryFunction.Apply(UnaryOp.Sqrt, this);

    /// <summary>1 / sqrt(x).</summary>
    public Tensor Rsqrt() => UnaryFunction.Apply(UnaryOp.Rsqrt, this);

    /// <summary>1 / x.</summary>
    public Tensor Reciprocal() => UnaryFunction.Apply(UnaryOp.Reciprocal, this);

    /// <summary>x².</summary>
    public Tensor Square() => UnaryFunction.Apply(UnaryOp.Square, this);

    /// <summary>x^exponent.</summary>
    public Tensor Power(float exponent) => UnaryFunction.Apply(UnaryOp.Power, this, exponent);

    /// <summary>Hyperbolic tangent.</summary>
    public Tensor Tanh() => UnaryFunction.Apply(UnaryOp.Tanh, this);

    /// <summary>1 / (1 + e^-x).</summary>
    public Tensor Sigmoid() => UnaryFunction.Apply(UnaryOp.Sigmoid, this);

    /// <summary>x · sigmoid(x).</summary>
    public Tensor Silu() => UnaryFunction.Apply(UnaryOp.Silu, this);

    /// <summary>log(1 + e^x); x itself above 20, as in torch.</summary>
    public Tensor Softplus() => UnaryFunction.Apply(UnaryOp.Softplus, this);

    /// <summary>max(x, 0).</summary>
    public Tensor Relu() => UnaryFunction.Apply(UnaryOp.Relu, this);

    /// <summary>The error function.</summary>
    public Tensor Erf() => UnaryFunction.Apply(UnaryOp.Erf, this);

    /// <summary>GELU in its exact (erf) form, as the DINO models use it.</summary>
    public Tensor Gelu() => UnaryFunction.Apply(UnaryOp.Gelu, this);

    /// <summary>The tanh approximation of GELU; up to 4.7e-4 away from the exact form.</summary>
    public Tensor GeluTanh() => UnaryFunction.Apply(UnaryOp.GeluTanh, this);

    /// <summary>min(max(x, low), high).</summary>
    public Tensor Clamp(float low = float.NegativeInfinity, float high = float.PositiveInfinity) =>
        UnaryFunction.Apply(UnaryOp.Clamp, this, low, high);

    /// <summary>factor · x + offset.</summary>
    public Tensor Affine(float factor, float offset) => UnaryFunction.Apply(UnaryOp.Affine, this, factor, offset);

    /// <summary>-1, 0 or 1. The gradient is zero everywhere.</summary>
    public Tensor Sign() => UnaryFunction.Apply(UnaryOp.Sign, this);

    /// <summary>Nearest integer, ties to even. The gradient is zero everywhere.</summary>
    public Tensor Round() => UnaryFunction.Apply(UnaryOp.Round, this);

    /// <summary>Largest integer not above x. The gradient is zero everywhere.</summary>
    public Tensor Floor() => UnaryFunction.Apply(UnaryOp.Floor, this);

    /// <summary>1 where x is NaN, else 0. The gradient is zero everywhere.</summary>
    public Tensor IsNaN() => UnaryFunction.Apply(UnaryOp.IsNaN, this);

    /// <summary>The same values outside of the tape: no gradient flows back through it.</summary>
    public Tensor Detach() => Scope.Of(nameof(Detach), this).Detached(this, Shape);

    /// <summary>Converted to another element type. F32 keeps its gradient only when the type stays F32.</summary>
    /// <exception cref="InvalidOperationException">The tensor requires a gradient, which a conversion would cut off silently.</exception>
    public Tensor To(DType type)
    {
        if (type == DType)
            return this;
        Autograd.NoGradient.Demand(nameof(To), this);
        Scope scope = Scope.Of(nameof(To), this);
        Tensor y = scope.Empty(Shape, type);
        scope.Backend.Cast(View, y.View);
        return y;
    }

    /// <summary>Values that an element type can hold, as F32. The gradient passes unchanged.</summary>
    /// <remarks>For networks that compute a part in BF16 or F16: a conversion there and back.</remarks>
    public Tensor Rounded(DType type) => type == DType.F32 ? this : RoundFunction.Apply(this, type);

    private sealed class RoundFunction : Function
    {
        private Tensor _x;

        protected internal override bool ReadsInputs => false;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, DType type)
        {
            x.Require(DType.F32, nameof(Rounded));
            Scope scope = Scope.Of(nameof(Rounded), x);
            Tensor narrow = scope.Empty(x.Shape, type), y = scope.Empty(x.Shape);
            scope.Backend.Cast(x.View, narrow.View);
            scope.Backend.Cast(narrow.View, y.View);
            narrow.Release();
            if (scope.Record<RoundFunction>(y, x) is { } node)
                node._x = x;
            return y;
        }

        protected override void Backward(in BackwardPass pass) => pass.PassThrough(_x);
    }

    private sealed class UnaryFunction : Function
    {
        private UnaryOp _op;
        private Tensor _x;
        private float _a;
        private float _b;

        public static Tensor Apply(UnaryOp op, Tensor x, float a = 0, float b = 0)
        {
            x.Require(DType.F32, op.ToName());
            Scope scope = Scope.Of(op.ToName(), x);
            Tensor y = scope.Empty(x.Shape);
            scope.Backend.Unary(op, x.View, y.View, a, b);
            if (scope.Record<UnaryFunction>(y, x) is { } node)
                (node._op, node._x, node._a, node._b) = (op, x, a, b);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.UnaryBackward(_op, _x.View, Output.View, pass.OutputGradient, dx, _a, _b);
        }
    }
}
