using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
/// <param name="scope">Where <c>norm1</c>, <c>attn</c>, <c>norm2</c> and <c>mlp</c> are declared.</param>
/// <param name="width">Token width.</param>
/// <param name="heads">Attention heads.</param>
/// <param name="hidden">Width inside the MLP.</param>
/// <param name="qkvBias">Whether the attention's input projection has a bias.</param>
/// <param name="dropPath">Probability of dropping each branch; one module serves both, with a draw each, as in the official code.</param>
public sealed class TransformerBlock(ParameterScope scope, int width, int heads, int hidden, bool qkvBias, float dropPath) : Module(scope)
{
    private readonly LayerNorm _norm1 = new(scope / "norm1", width);
    private readonly SelfAttention _attention = new(scope / "attn", width, heads, qkvBias);
    private readonly LayerNorm _norm2 = new(scope / "norm2", width);
    private readonly Mlp _mlp = new(scope / "mlp", width, hidden);
    private readonly DropPath _dropPath = new(scope / "drop_path", dropPath);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        x += _dropPath.Forward(_attention.Forward(_norm1.Forward(x)));
        return x + _dropPath.Forward(_mlp.Forward(_norm2.Forward(x)));
    }

    /// <summary>The attention maps [B, H, N, N] of this block.</summary>
    public Tensor AttentionMaps(Tensor x)
    {
        _attention.Forward(_norm1.Forward(x), out Tensor probabilities);
        return probabilities;
    }
}
