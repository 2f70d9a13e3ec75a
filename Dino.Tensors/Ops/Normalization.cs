using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Normalisations over the last axis (or, for batch norm, over all others).</summary>
public readonly partial struct Tensor
{
    /// <summary>Normalises each row to zero mean and unit variance, then scales and shifts it.</summary>
    /// <param name="gamma">[C], or <c>default</c> for 1. With several axes, rows are what those last axes hold together.</param>
    /// <param name="beta">Shape of gamma, or <c>default</c> for 0.</param>
    /// <param name="epsilon">Added to the variance (not the standard deviation). DINO uses 1e-6.</param>
    /// <param name="type">Element type of the result: F32, or <see cref="Backend.InnerType"/> for a product to read.</param>
    /// <returns>[.., C].</returns>
    /// <exception cref="ShapeMismatchException">gamma or beta is not [C].</exception>
    /// <remarks>Ba et al. 2016, eq. 4; variance is biased, as in torch.nn.LayerNorm.</remarks>
    public Tensor LayerNorm(Tensor gamma = default, Tensor beta = default, float epsilon = 1e-6f, DType type = DType.F32)
    {
        if (!gamma.Exists || gamma.Shape.Rank <= 1)
            return LayerNormFunction.Apply(this, gamma, beta, epsilon, type);
        if (gamma.Shape.Rank > Shape.Rank || !Shape.AsSpan().EndsWith(gamma.Shape.AsSpan()) || (beta.Exists && beta.Shape != gamma.Shape))
            throw new ShapeMismatchException($"LayerNorm: input {Shape} must end in the axes of gamma {gamma.Shape}{(beta.Exists ? $" and beta {beta.Shape}" : "")}.");
        Scope scope = Scope.Of(nameof(LayerNorm), this, gamma, beta);
        int width = checked((int)gamma.Count);
        Tensor flatBeta = beta.Exists ? scope.Use(beta).Reshape(width) : default;
        return LayerNormFunction.Apply(Reshape(-1, width), scope.Use(gamma).Reshape(width), flatBeta, epsilon, type).Reshape(Shape);
    }

    /// <summary>Divides each row by the root of its mean square, then scales it.</summary>
    /// <param name="gamma">[C], or <c>default</c> for 1.</param>
    /// <param name="epsilon">Added to the mean square. DINOv3 uses 1e-5.</param>
    /// <returns>[.., C].</returns>
    /// <exception cref="ShapeMismatchException">gamma is not [C].</exception>
    /// <remarks>Zhang and Sennrich 2019, eq. 4.</remarks>
    public Tensor RmsNorm(Tensor gamma = default, float epsilon = 1e-5f)
    {
        RequireChannels(nameof(RmsNorm), this, gamma, nameof(gamma));
        Tensor squares = Square();
        Tensor normed = this * (squares.Mean([-1], keep: true) + epsilon).Rsqrt();
        squares.Release();
        if (!gamma.Exists)
            return normed;
        Tensor y = normed * gamma;
        normed.Release();
        return y;
    }

    /// <summary>Normalises each column over all rows with the statistics of this batch.</summary>
    /// <param name="gamma">[C], or <c>default</c> for 1.</param>
    /// <param name="beta">[C], or <c>default</c> for 0.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="mean">Mean of each column [C]; carries no gradient.</param>
    /// <param name="variance">Biased variance of each column [C]; carries no gradient.</param>
    /// <returns>[.., C].</returns>
    /// <remarks>Ioffe and Szegedy 2015. Running statistics are the caller's affair.</remarks>
    public Tensor BatchNorm(Tensor gamma, Tensor beta, float epsilon, out Tensor mean, out Tensor variance) =>
        BatchNormFunction.Apply(this, gamma, beta, epsilon, out mean, out variance);

    /// <summary>x / max(‖x‖, epsilon) along an axis.</summary>
    public Tensor Normalize(int axis = -1, float epsilon = 1e-12f)
    {
        axis = Shape.Axis(axis);
        return axis == Shape.Rank - 1
            ? NormalizeFunction.Apply(this, epsilon)
            : NormalizeFunction.Apply(Transpose(axis, -1), epsilon).Transpose(axis, -1);
    }

    /// <summary>Rows of this [R, C] rescaled to the lengths <paramref name="g"/>: g · v / ‖v‖.</summary>
    /// <param name="g">[R, 1] or [R].</param>
    /// <remarks>Salimans and Kingma 2016, eq. 2, as torch's weight_norm with dim 0.</remarks>
    public Tensor WeightNorm(Tensor g) => WeightNormFunction.Apply(this, g);

    private static void RequireChannels(string operation, Tensor x, Tensor parameter, string name)
    {
        if (!parameter.Exists)
            return;
        parameter.Require(DType.F32, operation);
        if (parameter.Shape != new Shape(x.Shape[-1]))
            throw new ShapeMismatchException($"{operation}: {name} {parameter.Shape} does not fit input {x.Shape}, which ends in {x.Shape[-1]}.");
    }

    /// <summary>Of all rows, or of those of some samples of the first axis.</summary>
    private sealed class LayerNormFunction : Function
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

        public static Tensor Apply(Tensor x, Tensor gamma, Tensor beta, float epsilon, DType type, Tensor samples = default)
        {
            x.Require(DType.F32, nameof(LayerNorm));
            RequireChannels(nameof(LayerNorm), x, gamma, nameof(gamma));
            RequireChannels(nameof(LayerNorm), x, beta, nameof(beta));
            Scope scope = Scope.Of(nameof(LayerNorm), x, gamma, beta, samples);
            scope.RequireInner(type, nameof(LayerNorm));
            (Shape shape, Spare spare) = samples.Exists ? (x.Shape.With(0, samples.Shape[0]), new Spare(x.Shape[0], samples.Shape[0])) : (x.Shape, default);
            Tensor y = scope.Empty(shape, type, spare);
            Shape rows = [checked((int)y.View.Rows)];
            View mean = scope.Empty(rows, DType.F32, spare).View, rstd = scope.Empty(rows, DType.F32, spare).View;
            Compute(scope.Backend, x, samples, gamma, beta, epsilon, y.View, mean, rstd);
            if (scope.Record<LayerNormFunction>(y, x, gamma, beta, samples) is { } node)
                (node._x, node._samples, node._gamma, node._beta, node._mean, node._rstd, node._epsilon) = (x, samples, gamma, beta, mean, rstd, epsilon);
            return y;
        }

        protected internal override void Recompute(Backend backend, View y) => Compute(backend, _x, _samples, _gamma, _beta, _epsilon, y, _mean, _rstd);

        protected override void Backward(in BackwardPass pass)
        {
            Destination dx = pass.Gradient(_x), dgamma = pass.Gradient(_gamma), dbeta = pass.Gradient(_beta);
            if (_samples.Exists)
                pass.Backend.SampleLayerNormBackward(_x.View, _samples.View, OptionalView(_gamma), _mean, _rstd, pass.OutputGradient, dx, dgamma, dbeta);
            else
                pass.Backend.LayerNormBackward(_x.View, OptionalView(_gamma), _mean, _rstd, pass.OutputGradient, dx, dgamma, dbeta);
        }

        private static void Compute(Backend backend, Tensor x, Tensor samples, Tensor gamma, Tensor beta, float epsilon, View y, View mean, View rstd)
        {
            if (samples.Exists)
                backend.SampleLayerNorm(x.View, samples.View, OptionalView(gamma), OptionalView(beta), epsilon, y, mean, rstd);
            else
                backend.LayerNorm(x.View, OptionalView(gamma), OptionalView(beta), epsilon, y, mean, rstd);
        }
    }

    private sealed class BatchNormFunction : Function
    {
        private Tensor _x;
        private Tensor _gamma;
        private Tensor _beta;
        private Tensor _mean;
        private Tensor _variance;
        private float _epsilon;

        public static Tensor Apply(Tensor x, Tensor gamma, Tensor beta, float epsilon, out Tensor mean, out Tensor variance)
        {
            x.Require(DType.F32, nameof(BatchNorm));
            RequireChannels(nameof(BatchNorm), x, gamma, nameof(gamma));
            RequireChannels(nameof(BatchNorm), x, beta, nameof(beta));
            Scope scope = Scope.Of(nameof(BatchNorm), x, gamma, beta);
            Tensor y = scope.Empty(x.Shape);
            mean = scope.Empty([x.Shape[-1]]);
            variance = scope.Empty([x.Shape[-1]]);
            scope.Backend.BatchNorm(x.View, OptionalView(gamma), OptionalView(beta), epsilon, y.View, mean.View, variance.View);
            if (scope.Record<BatchNormFunction>(y, x, gamma, beta, mean, variance) is { } node)
                (node._x, node._gamma, node._beta, node._mean, node._variance, node._epsilon) = (x, gamma, beta, mean, variance, epsilon);
            return y;
        }

        protected override void Backward(in BackwardPass pass) =>
            pass.Backend.BatchNormBackward(_x.View, OptionalView(_gamma), _mean.View, _variance.View, _epsilon, pass.OutputGradient,
                pass.Gradient(_x), pass.Gradient(_gamma), pass.Gradient(_beta));
    }

    private sealed class NormalizeFunction : Function
    {
        private Tensor _x;
        private View _norms;
        private float _epsilon;

        public static Tensor Apply(Tensor x, float epsilon)
        {
            x.Require(DType.F32, nameof(Normalize));
            Scope scope = Scope.Of(nameof(Normalize), x);
            Tensor y = scope.Empty(x.Shape);
            View norms = scope.Empty([checked((int)x.View.Rows)]).View;
            scope.Backend.Normalize(x.View, epsilon, y.View, norms);
            if (scope.Record<NormalizeFunction>(y, x) is { } node)
                (node._x, node._norms, node._epsilon) = (x, norms, epsilon);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is { IsWanted: true } dx)
                pass.Backend.NormalizeBackward(Output.View, _norms, _epsilon, pass.OutputGradient, dx);
        }
    }

    private sealed class WeightNormFunction : Function
    {
        private Tensor _v;
        private Tensor _g;
        private View _norms;

        public static Tensor Apply(Tensor v, Tensor g)
        {
            v.Require(DType.F32, nameof(WeightNorm));
            g.Require(DType.F32, nameof(WeightNorm));
            if (v.Shape.Rank != 2 || g.Count != v.Shape[0])
                throw new ShapeMismatchException($"WeightNorm: v must be [R, C] and g [R, 1]; they are {v.Shape} and {g.Shape}.");
            Scope scope = Scope.Of(nameof(WeightNorm), v, g);
            Tensor w = scope.Empty(v.Shape);
            View norms = scope.Empty([v.Shape[0]]).View;
            scope.Backend.WeightNorm(v.View, g.View.As([v.Shape[0]]), w.View, norms);
            if (scope.Record<WeightNormFunction>(w, v, g) is { } node)
                (node._v, node._g, node._norms) = (v, g, norms);
            return w;
        }

        protected override void Backward(in BackwardPass pass)
        {
            Shape rows = [_v.Shape[0]];
            Destination dg = pass.Gradient(_g);
            if (dg.IsWanted)
                dg = dg with { View = dg.View.As(rows) };
            pass.Backend.WeightNormBackward(_v.View, _g.View.As(rows), _norms, pass.OutputGradient, pass.Gradient(_v), dg);
        }
    }
}
