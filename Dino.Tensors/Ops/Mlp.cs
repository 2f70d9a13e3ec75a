using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The MLP of a transformer block.</summary>
public readonly partial struct Tensor
{
    /// <summary>residual + factors · (gelu(x · firstWeightᵀ + firstBias) · secondWeightᵀ + secondBias), with the exact GELU.</summary>
    /// <param name="firstWeight">[H, K], as in torch.</param>
    /// <param name="firstBias">[H], or <c>default</c> for none.</param>
    /// <param name="secondWeight">[N, H].</param>
    /// <param name="secondBias">[N], or <c>default</c> for none.</param>
    /// <param name="residual">[.., N], added at the end; <c>default</c> for none.</param>
    /// <param name="factors">[F], one for each run of rows / F rows, or <c>default</c> for 1. Carries no gradient.</param>
    /// <param name="samples">[S], I32: this tensor holds these samples of the residual's first axis, rising, with a factor each; elsewhere the result is the residual. <c>default</c> for all.</param>
    /// <returns>[.., N] for an input [.., K]; with samples, the shape of the residual.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit each other.</exception>
    /// <remarks>
    /// The same as two calls of <see cref="Linear(Tensor, Tensor, Activation, Tensor, Tensor, DType)"/>. Where a CPU's caches hold the weights, some rows go through both layers before the
    /// next do: the hidden values [.., H] are then never all there, which saves their memory and most of its traffic.
    /// </remarks>
    public Tensor Mlp(Tensor firstWeight, Tensor firstBias, Tensor secondWeight, Tensor secondBias, Tensor residual = default, Tensor factors = default, Tensor samples = default) =>
        MlpFunction.Apply(this, firstWeight, firstBias, secondWeight, secondBias, residual, factors, samples);

    private sealed class MlpFunction : Function
    {
        private Tensor _x;
        private Tensor _firstWeight;
        private Tensor _firstBias;
        private Tensor _secondWeight;
        private Tensor _secondBias;
        private Tensor _residual;
        private Tensor _factors;
        private Tensor _samples;
        private View _preActivation;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor firstWeight, Tensor firstBias, Tensor secondWeight, Tensor secondBias, Tensor residual, Tensor factors, Tensor samples)
        {
            x.RequireInner(nameof(Mlp));
            Shape hidden = LinearFunction.Check("Mlp, first layer", x.Shape, firstWeight, firstBias);
            Shape result = LinearFunction.Check("Mlp, second layer", hidden, secondWeight, secondBias);
            if (samples.Exists)
                result = SampleLinearFunction.CheckJoin(nameof(Mlp), result, residual, samples, factors);
            else
                LinearFunction.CheckJoin(nameof(Mlp), result, residual, factors);
            Scope scope = Scope.Of(nameof(Mlp), x, firstWeight, firstBias, secondWeight, secondBias, residual, factors, samples);
            Tensor y = scope.Empty(result, DType.F32, samples.Exists ? default : Spare.Of(x));
            MlpFunction? node = scope.Record<MlpFunction>(y, x, firstWeight, firstBias, secondWeight, secondBias, residual, factors, samples);
            View preActivation = node is null ? View.None : scope.Empty(hidden, scope.Backend.InnerType, Spare.Of(x)).View;
            scope.Backend.Mlp(x.View, Views(scope, firstWeight, firstBias, secondWeight, secondBias), preActivation, OptionalView(residual), OptionalView(samples), OptionalView(factors), y.View);
            if (node is not null)
            {
                (node._x, node._residual, node._factors, node._samples, node._preActivation) = (x, residual, factors, samples, preActivation);
                (node._firstWeight, node._firstBias, node._secondWeight, node._secondBias) = (firstWeight, firstBias, secondWeight, secondBias);
            }

            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            MlpViews views = Views(pass.Scope, _firstWeight, _firstBias, _secondWeight, _secondBias);
            // Asked for in the order they are written in: layers may share a parameter.
            (Destination secondWeight, Destination secondBias) = (pass.Gradient(_secondWeight), pass.Gradient(_secondBias));
            MlpGradients gradients = new(pass.Gradient(_firstWeight), pass.Gradient(_firstBias), secondWeight, secondBias);
            pass.Backend.MlpBackward(_x.View, views, _preActivation, OptionalView(_samples), OptionalView(_factors), pass.OutputGradient, pass.Gradient(_x), gradients);
            pass.PassThrough(_residual);
        }

        private static MlpViews Views(Scope scope, Tensor firstWeight, Tensor firstBias, Tensor secondWeight, Tensor secondBias) =>
            new(scope.Multiplied(firstWeight), OptionalView(firstBias), scope.Multiplied(secondWeight), OptionalView(secondBias));
    }
}
