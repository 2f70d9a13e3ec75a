using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>The two ends of a branch that only some samples of a batch go through, as with stochastic depth.</summary>
public readonly partial struct Tensor
{
    /// <summary>The layer norm of some samples.</summary>
    /// <param name="samples">[S], I32: indices of the first axis, rising.</param>
    /// <param name="gamma">[C].</param>
    /// <param name="beta">[C].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="type">Element type of the result, as in <see cref="LayerNorm"/>.</param>
    /// <returns>[S, .., C] for an input [B, .., C]. It and what layers make of it hold memory for B samples: their number may change from step to step.</returns>
    /// <exception cref="ShapeMismatchException">gamma or beta is not [C], or there are no samples or more than B.</exception>
    public Tensor SampleLayerNorm(Tensor samples, Tensor gamma, Tensor beta, float epsilon, DType type = DType.F32) =>
        SampleLayerNormFunction.Apply(this, samples, gamma, beta, epsilon, type);

    /// <summary>The linear layer of some samples, added to them: residual + factors · (x · weightᵀ + bias) at the samples, the residual elsewhere.</summary>
    /// <param name="weight">[N, K], as in torch.</param>
    /// <param name="bias">[N], or <c>default</c> for none.</param>
    /// <param name="residual">[B, .., N].</param>
    /// <param name="samples">[S], I32: which of the B the samples of this tensor are, rising.</param>
    /// <param name="factors">[S], one for each sample. Carries no gradient.</param>
    /// <returns>[B, .., N] for an input [S, .., K].</returns>
    /// <exception cref="ShapeMismatchException">The input does not end in K, the bias is not [N], or the residual is no batch of what the layer makes.</exception>
    public Tensor SampleLinear(Tensor weight, Tensor bias, Tensor residual, Tensor samples, Tensor factors) =>
        SampleLinearFunction.Apply(this, weight, bias, residual, samples, factors);

    private static void RequireSamples(string operation, Tensor samples, Shape whole)
    {
        samples.Require(DType.I32, operation);
        if (samples.Shape.Rank != 1 || samples.Count == 0 || samples.Count > whole[0])
            throw new ShapeMismatchException($"{operation}: samples {samples.Shape} must be 1 to {whole[0]} indices of the first axis of {whole}.");
    }

    private sealed class SampleLayerNormFunction : Function
    {
        private Tensor _x;
        private Tensor _samples;
        private Tensor _gamma;
        private Tensor _beta;
        private View _mean;
        private View _rstd;
        private float _epsilon;

        protected internal override bool ReadsOutput => false;

        protected internal override bool CanRecompute => true;

        public static Tensor Apply(Tensor x, Tensor samples, Tensor gamma, Tensor beta, float epsilon, DType type)
        {
            x.Require(DType.F32, nameof(SampleLayerNorm));
            RequireChannels(nameof(SampleLayerNorm), x, gamma, nameof(gamma));
            RequireChannels(nameof(SampleLayerNorm), x, beta, nameof(beta));
            RequireSamples(nameof(SampleLayerNorm), samples, x.Shape);
            Scope scope = Scope.Of(nameof(SampleLayerNorm), x, samples, gamma, beta);
            scope.RequireInner(type, nameof(SampleLayerNorm));
            int count = samples.Shape[0];
            Spare spare = new(x.Shape[0], count);
            Tensor y = scope.Empty(x.Shape.With(0, count), type, spare);
            Shape rows = [checked((int)y.View.Rows)];
            View mean = scope.Empty(rows, DType.F32, spare).View, rstd = scope.Empty(rows, DType.F32, spare).View;
            scope.Backend.SampleLayerNorm(x.View, samples.View, OptionalView(gamma), OptionalView(beta), epsilon, y.View, mean, rstd);
            if (scope.Record<SampleLayerNormFunction>(y, x, samples, gamma, beta) is { } node)
                (node._x, node._samples, node._gamma, node._beta, node._mean, node._rstd, node._epsilon) = (x, samples, gamma, beta, mean, rstd, epsilon);
            return y;
        }

        protected internal override void Recompute(Backend backend, View y) =>
            backend.SampleLayerNorm(_x.View, _samples.View, OptionalView(_gamma), OptionalView(_beta), _epsilon, y, _mean, _rstd);

        protected override void Backward(in BackwardPass pass) =>
            pass.Backend.SampleLayerNormBackward(_x.View, _samples.View, OptionalView(_gamma), _mean, _rstd, pass.OutputGradient,
                pass.Gradient(_x), pass.Gradient(_gamma), pass.Gradient(_beta));
    }

    private sealed class SampleLinearFunction : Function
    {
        private Tensor _x;
        private Tensor _weight;
        private Tensor _bias;
        private Tensor _residual;
        private Tensor _samples;
        private Tensor _factors;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor weight, Tensor bias, Tensor residual, Tensor samples, Tensor factors)
        {
            RequireSamples(nameof(SampleLinear), samples, residual.Shape);
            Autograd.NoGradient.Demand(nameof(SampleLinear), factors);
            Shape branch = LinearFunction.Check(x, weight, bias, default, factors);
            if (factors.Count != samples.Count || residual.Shape.With(0, samples.Shape[0]) != branch)
                throw new ShapeMismatchException($"SampleLinear: {samples.Count} samples of the residual {residual.Shape} with {factors.Count} factors do not fit what the layer makes, {branch}.");
            residual.Require(DType.F32, nameof(SampleLinear));
            Scope scope = Scope.Of(nameof(SampleLinear), x, weight, bias, residual, samples, factors);
            Tensor y = scope.Empty(residual.Shape);
            scope.Backend.SampleLinear(x.View, samples.View, scope.Multiplied(weight), OptionalView(bias), residual.View, factors.View, y.View);
            if (scope.Record<SampleLinearFunction>(y, x, weight, bias, residual, samples, factors) is { } node)
                (node._x, node._weight, node._bias, node._residual, node._samples, node._factors) = (x, weight, bias, residual, samples, factors);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            View x = _x.View, weight = pass.Scope.Multiplied(_weight), dy = pass.Scratch(_x.Shape.With(-1, weight.Shape[0]), DType.F32, _x);
            pass.Backend.GatherScaled(pass.OutputGradient, _samples.View, _factors.View, dy);
            LinearFunction.ProductGradients(pass, dy, _x, x, _weight, weight, _bias);
            pass.PassThrough(_residual);
        }
    }
}
