using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Softmax and its logarithm, max-subtracted: finite for any finite logits.</summary>
public readonly partial struct Tensor
{
    /// <summary>e^x / Σ e^x along an axis.</summary>
    public Tensor Softmax(int axis = -1) => OnLastAxis(axis, logarithm: false);

    /// <summary>x - log Σ e^x along an axis.</summary>
    public Tensor LogSoftmax(int axis = -1) => OnLastAxis(axis, logarithm: true);

    /// <summary>log Σ e^x along an axis, which disappears.</summary>
    public Tensor LogSumExp(int axis = -1)
    {
        axis = Shape.Axis(axis);
        // The maximum is a constant shift: its gradient cancels exactly.
        Tensor max = Detach().Max([axis], keep: true);
        Tensor sum = (this - max).Exp().Sum([axis]).Log();
        return sum + max.Reshape(sum.Shape);
    }

    private Tensor OnLastAxis(int axis, bool logarithm)
    {
        axis = Shape.Axis(axis);
        if (axis == Shape.Rank - 1)
            return SoftmaxFunction.Apply(this, logarithm);
        return SoftmaxFunction.Apply(Transpose(axis, -1), logarithm).Transpose(axis, -1);
    }

    private sealed class SoftmaxFunction : Function
    {
        private Tensor _x;
        private bool _logarithm;

        public static Tensor Apply(Tensor x, bool logarithm)
        {
            x.Require(DType.F32, nameof(Softmax));
            Scope scope = Scope.Of(nameof(Softmax), x);
            Tensor y = scope.Empty(x.Shape);
            if (logarithm)
                scope.Backend.LogSoftmax(x.View, y.View);
            else
                scope.Backend.Softmax(x.View, y.View);
            if (scope.Record<SoftmaxFunction>(y, x) is { } node)
                (node._x, node._logarithm) = (x, logarithm);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is not { IsWanted: true } dx)
                return;
            if (_logarithm)
                pass.Backend.LogSoftmaxBackward(Output.View, pass.OutputGradient, dx);
            else
                pass.Backend.SoftmaxBackward(Output.View, pass.OutputGradient, dx);
        }
    }
}
