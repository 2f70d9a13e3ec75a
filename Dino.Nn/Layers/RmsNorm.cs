using Dino.Tensors;

namespace Dino.Nn;

/// <summary>RMS normalisation with a learned scale.</summary>
public sealed class RmsNorm : Module
{
    private readonly float _epsilon;

    /// <summary>An RMS norm over the last axis.</summary>
    /// <param name="scope">Where <c>weight</c> is declared.</param>
    /// <param name="width">C.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    public RmsNorm(ParameterScope scope, int width, float epsilon = 1e-5f)
        : base(scope)
    {
        Weight = scope.Parameter("weight", [width], Initializer.Ones);
        _epsilon = epsilon;
    }

    /// <summary>[C].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        RequireWidth(x, Weight.Shape[0]);
        return x.RmsNorm(Weight, _epsilon);
    }
}
