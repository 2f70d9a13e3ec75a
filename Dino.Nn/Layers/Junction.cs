using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>How a branch of a block joins the tokens: residual + factors · gamma · branch.</summary>
/// <param name="Residual">What to add to, or <c>default</c> for nothing.</param>
/// <param name="Factors">One for each sample [B], or <c>default</c> for 1.</param>
/// <param name="Scale">The gamma, or null for 1.</param>
/// <param name="Samples">Which samples the branch was computed of [S], with a factor each; <c>default</c> for all.</param>
internal readonly record struct Junction(Tensor Residual, Tensor Factors, LayerScale? Scale = null, Tensor Samples = default)
{
    /// <summary>With what stochastic depth has drawn.</summary>
    public Junction(Tensor residual, DropPath.Draw draw, LayerScale? scale)
        : this(residual, draw.Factors, scale, draw.Samples)
    {
    }

    /// <summary>The last linear layer of the branch, and the join: in the same pass over memory where there is no gamma.</summary>
    public Tensor Join(Linear last, Tensor x)
    {
        if (Samples.Exists)
            return last.Forward(x, Residual, Samples, Factors);
        return Scale is null ? last.Forward(x, Activation.Identity, Residual, Factors) : Join(Scale, last.Forward(x));
    }

    /// <summary>An MLP and the join.</summary>
    public Tensor Join(Linear first, Linear second, Tensor x)
    {
        (Tensor firstBias, Tensor secondBias) = (first.EffectiveBias(x), second.EffectiveBias(x));
        return Scale is null
            ? x.Mlp(first.Weight, firstBias, second.Weight, secondBias, Residual, Factors, Samples)
            : Join(Scale, x.Mlp(first.Weight, firstBias, second.Weight, secondBias));
    }

    private Tensor Join(LayerScale scale, Tensor branch)
    {
        Tensor y = scale.Forward(branch, Residual, Factors);
        branch.Release();
        return y;
    }
}
