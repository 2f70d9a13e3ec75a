using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Linear layers with packed weights.</summary>
public readonly partial struct Tensor
{
    /// <summary>residual + activation(x · weightᵀ + bias), for inference: nothing is recorded.</summary>
    /// <param name="weight">Packed [N, K].</param>
    /// <param name="bias">[N], or <c>default</c> for none.</param>
    /// <param name="activation">Fused into the product.</param>
    /// <param name="residual">[.., N], or <c>default</c> for none; fused as well.</param>
    /// <param name="type">Element type of the result: F32, or without residual <see cref="Backend.InnerType"/>. The input may have either.</param>
    /// <returns>[.., N] for an input [.., K].</returns>
    /// <exception cref="ShapeMismatchException">The input does not end in K, the bias is not [N], or the residual has not the shape of the result.</exception>
    /// <exception cref="InvalidOperationException">An operand requires a gradient, which would be lost here.</exception>
    public Tensor Linear(PackedWeight weight, Tensor bias = default, Activation activation = Activation.Identity, Tensor residual = default, DType type = DType.F32)
    {
        const string Operation = "Linear with a packed weight";
        RequireInner(Operation);
        NoGradient.Demand(Operation, this);
        if (Shape.Rank == 0 || Shape[-1] != weight.Inputs)
            throw new ShapeMismatchException($"Linear: input {Shape} ends in {(Shape.Rank == 0 ? 1 : Shape[-1])}, the packed weight [{weight.Outputs}, {weight.Inputs}] expects {weight.Inputs}.");
        Shape result = Shape.With(-1, weight.Outputs);
        if (bias.Exists)
        {
            bias.Require(DType.F32, Operation);
            NoGradient.Demand(Operation, bias);
            if (bias.Shape != new Shape(weight.Outputs))
                throw new ShapeMismatchException($"Linear: bias {bias.Shape} does not fit the packed weight [{weight.Outputs}, {weight.Inputs}].");
        }

        if (residual.Exists)
        {
            residual.Require(DType.F32, Operation);
            NoGradient.Demand(Operation, residual);
            if (residual.Shape != result)
                throw new ShapeMismatchException($"Linear: residual {residual.Shape} has not the shape of the result {result}.");
        }

        Scope scope = Scope.Of(nameof(Linear), this, bias, residual);
        if (weight.Device != scope.Device)
            throw new InvalidOperationException($"Linear: the packed weight lives on {weight.Device}, the input on {scope.Device}.");
        scope.RequireInner(type, Operation);
        if (type != DType.F32 && residual.Exists)
            throw new NotSupportedException($"Linear: a result with a residual is F32, not {type}.");
        Tensor y = scope.Empty(result, type);
        scope.Backend.PackedLinear(View, weight.View, OptionalView(bias), activation, OptionalView(residual), y.View);
        return y;
    }
}
