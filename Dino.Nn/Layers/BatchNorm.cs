using Dino.Tensors;

namespace Dino.Nn;

/// <summary>
/// Batch normalisation over the last axis: BatchNorm1d for [B, C], BatchNorm2d for channels-last pictures [B, H, W, C]. In training it uses
/// the statistics of the batch and updates the running ones; the official teacher stays in training mode too.
/// </summary>
public sealed class BatchNorm : Module
{
    private readonly float _epsilon;
    private readonly float _momentum;
    private readonly Parameter _mean;
    private readonly Parameter _variance;
    private readonly Parameter _batches;

    /// <summary>A batch norm.</summary>
    /// <param name="scope">Where its parameters and buffers are declared.</param>
    /// <param name="width">C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">Weight of the newest batch in the running statistics.</param>
    public BatchNorm(ParameterScope scope, int width, float epsilon = 1e-5f, float momentum = 0.1f)
        : base(scope)
    {
        Weight = scope.Parameter("weight", [width], Initializer.Ones);
        Bias = scope.Parameter("bias", [width], Initializer.Zeros);
        _mean = scope.Buffer("running_mean", [width], Initializer.Zeros);
        _variance = scope.Buffer("running_var", [width], Initializer.Ones);
        _batches = scope.Buffer("num_batches_tracked", [], Initializer.Zeros);
        (_epsilon, _momentum) = (epsilon, momentum);
    }

    /// <summary>[C].</summary>
    public Parameter Weight { get; }

    /// <summary>[C].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        RequireWidth(x, Weight.Shape[0]);
        if (!IsTraining)
            return (x - _mean) * Scale(Scope.Of(nameof(BatchNorm), x)) + Bias;

        Tensor y = x.BatchNorm(Weight, Bias, _epsilon, out Tensor mean, out Tensor variance);
        long rows = x.Count / Weight.Shape[0];
        if (rows < 2)
            throw new ShapeMismatchException($"BatchNorm '{Path}': training needs more than one row, the input is {x.Shape}. Use a larger batch.");
        var backend = Store.Device.Backend;
        backend.Axpby(_momentum, mean.View, 1 - _momentum, _mean.Tensor.View);
        // The running variance is unbiased, the one that normalises is not (as in torch).
        backend.Axpby((float)(_momentum * ((double)rows / (rows - 1))), variance.View, 1 - _momentum, _variance.Tensor.View);
        backend.Unary(Tensors.Backends.UnaryOp.Affine, _batches.Tensor.View, _batches.Tensor.View, 1, 1);
        return y;
    }

    /// <summary>What evaluation multiplies by, [C]: weight / √(running variance + epsilon).</summary>
    internal Tensor Scale(Scope scope) => scope.Use(Weight) * (scope.Use(_variance) + _epsilon).Rsqrt();

    /// <summary>What evaluation adds after that, [C].</summary>
    internal Tensor Shift(Scope scope) => scope.Use(Bias) - (scope.Use(_mean) * Scale(scope));
}
