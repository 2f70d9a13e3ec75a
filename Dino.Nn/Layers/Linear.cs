using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>activation(x · weightᵀ + bias).</summary>
public sealed class Linear : Module
{
    /// <summary>A linear layer.</summary>
    /// <param name="scope">Where <c>weight</c> and <c>bias</c> are declared.</param>
    /// <param name="inputs">K.</param>
    /// <param name="outputs">N.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="weights">First weights; DINO's normal of deviation 0.02 unless given. Biases start at zero.</param>
    public Linear(ParameterScope scope, int inputs, int outputs, bool bias = true, Initializer? weights = null)
        : base(scope)
    {
        Weight = scope.LinearWeight("weight", [outputs, inputs], weights ?? Initializer.Normal(0.02f));
        Bias = bias ? scope.Parameter("bias", [outputs], Initializer.Zeros) : null;
    }

    /// <summary>[N, K].</summary>
    public Parameter Weight { get; }

    /// <summary>[N], if any.</summary>
    public Parameter? Bias { get; }

    /// <summary>A buffer [N] that the bias is multiplied by, if any.</summary>
    internal Parameter? BiasMask { get; init; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, Activation.Identity);

    /// <summary>residual + factors · activation(x · weightᵀ + bias), in one pass.</summary>
    /// <param name="x">[.., K].</param>
    /// <param name="activation">Fused in.</param>
    /// <param name="residual">[.., N], or <c>default</c> for none.</param>
    /// <param name="factors">One for each run of rows (drop path: for each sample), or <c>default</c> for 1.</param>
    /// <param name="type">Element type of the result; without residual and factors also what the device hands on between the parts of a layer.</param>
    /// <returns>[.., N].</returns>
    public Tensor Forward(Tensor x, Activation activation, Tensor residual = default, Tensor factors = default, DType type = DType.F32)
    {
        RequireWidth(x, Weight.Shape[1]);
        Tensor bias = EffectiveBias(x);
        if (Weight.Packed is not { } packed)
            return x.Linear(Weight, bias, activation, residual, factors, type);
        if (factors.Exists)
            throw new InvalidOperationException($"Linear '{Path}': packed weights are for inference, where nothing is dropped; do not set IsTraining on this store.");
        return x.Linear(packed, bias, activation, residual, type);
    }

    /// <summary>residual + factors · (x · weightᵀ + bias) at some samples of a batch, the residual elsewhere.</summary>
    /// <param name="x">[S, .., K], those samples.</param>
    /// <param name="residual">[B, .., N].</param>
    /// <param name="samples">[S], where they are among the B.</param>
    /// <param name="factors">[S].</param>
    internal Tensor Forward(Tensor x, Tensor residual, Tensor samples, Tensor factors)
    {
        RequireWidth(x, Weight.Shape[1]);
        return x.SampleLinear(Weight, EffectiveBias(x), residual, samples, factors);
    }

    /// <summary>The bias as it is added, in the scope of x; <c>default</c> for none.</summary>
    internal Tensor EffectiveBias(Tensor x) => BiasMask is null ? Bias : Scope.Of(nameof(Linear), x).Use(Bias!) * BiasMask;
}
