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
    public Tensor SampleLayerNorm(Tensor samples, Tensor gamma, Tensor beta, float epsilon, DType type = DType.F32)
    {
        RequireSamples(nameof(SampleLayerNorm), samples, Shape);
        return LayerNormFunction.Apply(this, gamma, beta, epsilon, type, samples);
    }

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
            x.RequireInner(nameof(SampleLinear));
            Shape shape = CheckJoin(nameof(SampleLinear), LinearFunction.Check(nameof(SampleLinear), x.Shape, weight, bias), residual, samples, factors);
            Scope scope = Scope.Of(nameof(SampleLinear), x, weight, bias, residual, samples, factors);
            Tensor y = scope.Empty(shape);
            scope.Backend.SampleLinear(x.View, samples.View, scope.Multiplied(weight), OptionalView(bias), residual.View, factors.View, y.View);
            if (scope.Record<SampleLinearFunction>(y, x, weight, bias, residual, samples, factors) is { } node)
                (node._x, node._weight, node._bias, node._residual, node._samples, node._factors) = (x, weight, bias, residual, samples, factors);
            return y;
        }

        /// <summary>Checks what a branch of some samples is added to; returns the shape of the result.</summary>
        public static Shape CheckJoin(string operation, Shape branch, Tensor residual, Tensor samples, Tensor factors)
        {
            if (!residual.Exists || !factors.Exists)
                throw new ArgumentException($"{operation}: some samples of a batch need the residual they are added to, and a factor each.");
            RequireSamples(operation, samples, residual.Shape);
            residual.Require(DType.F32, operation);
            LinearFunction.CheckJoin(operation, branch, default, factors);
            if (factors.Count != samples.Count || residual.Shape.With(0, samples.Shape[0]) != branch)
                throw new ShapeMismatchException($"{operation}: {samples.Count} samples of the residual {residual.Shape} with {factors.Count} factors do not fit what the layer makes, {branch}.");
            return residual.Shape;
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
