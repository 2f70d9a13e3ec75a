using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A learned factor for each channel of a residual branch.</summary>
/// <remarks>Touvron et al. 2021, "Going deeper with image transformers", eq. 4.</remarks>
public sealed class LayerScale : Module
{
    /// <summary>A layer scale.</summary>
    /// <param name="scope">Where <c>gamma</c> is declared.</param>
    /// <param name="width">C.</param>
    /// <param name="value">First value of all factors.</param>
    public LayerScale(ParameterScope scope, int width, float value)
        : base(scope) => Gamma = scope.Parameter("gamma", [width], Initializer.Constant(value));

    /// <summary>[C].</summary>
    public Parameter Gamma { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default, default);

    /// <summary>residual + factors · gamma · x.</summary>
    public Tensor Forward(Tensor x, Tensor residual, Tensor factors)
    {
        RequireWidth(x, Gamma.Shape[0]);
        return x.LayerScale(Gamma, residual, factors);
    }
}
