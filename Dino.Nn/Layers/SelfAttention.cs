using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Multi-head self-attention with its input and output projections.</summary>
/// <param name="scope">Where <c>qkv</c> and <c>proj</c> are declared.</param>
/// <param name="width">Token width, a multiple of the heads.</param>
/// <param name="heads">H.</param>
/// <param name="qkvBias">Whether the input projection has a bias.</param>
public sealed class SelfAttention(ParameterScope scope, int width, int heads, bool qkvBias = true) : Module(scope)
{
    private readonly Linear _qkv = new(scope / "qkv", width, 3 * width, qkvBias);
    private readonly Linear _projection = new(scope / "proj", width, width);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _projection.Forward(_qkv.Forward(x).Attention(heads));

    /// <summary>Also gives the attention maps [B, H, N, N].</summary>
    public Tensor Forward(Tensor x, out Tensor probabilities) =>
        _projection.Forward(_qkv.Forward(x).Attention(heads, 0, out probabilities));
}
