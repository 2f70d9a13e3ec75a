using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Layer normalisation with learned scale and shift.</summary>
public sealed class LayerNorm : Module
{
    private readonly float _epsilon;

    /// <summary>A layer norm over the last axis.</summary>
    /// <param name="scope">Where <c>weight</c> and <c>bias</c> are declared.</param>
    /// <param name="width">C.</param>
    /// <param name="epsilon">Added to the variance; the ViTs of DINO use 1e-6, not torch's 1e-5.</param>
    public LayerNorm(ParameterScope scope, int width, float epsilon = 1e-6f)
        : base(scope)
    {
        Weight = scope.Parameter("weight", [width], Initializer.Ones);
        Bias = scope.Parameter("bias", [width], Initializer.Zeros);
        _epsilon = epsilon;
    }

    /// <summary>[C].</summary>
    public Parameter Weight { get; }

    /// <summary>[C].</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, DType.F32);

    /// <summary>The same in another element type, for a layer that reads it.</summary>
    internal Tensor Forward(Tensor x, DType type)
    {
        RequireWidth(x, Weight.Shape[0]);
        return x.LayerNorm(Weight, Bias, _epsilon, type);
    }

    /// <summary>The same of some samples of a batch.</summary>
    internal Tensor Forward(Tensor x, Tensor samples, DType type)
    {
        RequireWidth(x, Weight.Shape[0]);
        return x.SampleLayerNorm(samples, Weight, Bias, _epsilon, type);
    }
}
