using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Multi-head self-attention with its input and output projections.</summary>
/// <param name="scope">Where <c>qkv</c> and <c>proj</c> are declared.</param>
/// <param name="width">Token width, a multiple of the heads.</param>
/// <param name="heads">H.</param>
/// <param name="qkvBias">Whether the input projection has a bias.</param>
public sealed class SelfAttention(ParameterScope scope, int width, int heads, bool qkvBias = true) : Module(scope), IResidualBranch
{
    private readonly Linear _qkv = new(scope / "qkv", width, 3 * width, qkvBias);
    private readonly Linear _projection = new(scope / "proj", width, width);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default, default);

    /// <summary>residual + factors · attention(x).</summary>
    public Tensor Forward(Tensor x, Tensor residual, Tensor factors)
    {
        Tensor qkv = _qkv.Forward(x);
        Tensor mixed = qkv.Attention(heads);
        qkv.Release();
        return Project(mixed, residual, factors);
    }

    /// <summary>The same for the first token alone, which is all that a feature of the CLS token needs of the last block.</summary>
    /// <param name="x">Normed tokens [B, N, D].</param>
    /// <param name="residual">First tokens [B, D], or <c>default</c>.</param>
    /// <param name="factors">One for each sample [B], or <c>default</c> for 1.</param>
    /// <returns>[B, D].</returns>
    public Tensor ForwardFirst(Tensor x, Tensor residual, Tensor factors)
    {
        if (_qkv.Weight.Packed is null)
            return Project(x.FirstTokenAttention(_qkv.Weight, _qkv.Bias, heads), residual, factors);
        // Queries of the other tokens come with the packed product: they are a third of this layer, under a hundredth of a network.
        Tensor qkv = _qkv.Forward(x);
        Tensor mixed = qkv.FirstTokenAttention(heads);
        qkv.Release();
        return Project(mixed, residual, factors);
    }

    /// <summary>Also gives the attention maps [B, H, N, N].</summary>
    public Tensor Forward(Tensor x, out Tensor probabilities) =>
        _projection.Forward(_qkv.Forward(x).Attention(heads, 0, out probabilities));

    private Tensor Project(Tensor x, Tensor residual, Tensor factors)
    {
        Tensor y = _projection.Forward(x, Activation.Identity, residual, factors);
        x.Release();
        return y;
    }
}
