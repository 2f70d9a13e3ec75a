using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
/// <param name="scope">Where <c>norm1</c>, <c>attn</c>, <c>norm2</c> and <c>mlp</c> are declared.</param>
/// <param name="width">Token width.</param>
/// <param name="heads">Attention heads.</param>
/// <param name="hidden">Width inside the MLP.</param>
/// <param name="qkvBias">Whether the attention's input projection has a bias.</param>
/// <param name="dropPath">Probability of dropping each branch, with a draw each, as in the official code.</param>
public sealed class TransformerBlock(ParameterScope scope, int width, int heads, int hidden, bool qkvBias, float dropPath) : Module(scope)
{
    private readonly LayerNorm _norm1 = new(scope / "norm1", width);
    private readonly SelfAttention _attention = new(scope / "attn", width, heads, qkvBias);
    private readonly LayerNorm _norm2 = new(scope / "norm2", width);
    private readonly Mlp _mlp = new(scope / "mlp", width, hidden);
    private readonly DropPath _dropPath = new(scope.Store, dropPath);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        Tensor middle = Add(x, _norm1, _attention);
        Tensor y = Add(middle, _norm2, _mlp);
        middle.Release();
        return y;
    }

    /// <summary>The first token of the result: the other tokens serve as keys and values only, and the rest of the block sees one token a sample.</summary>
    /// <param name="x">Tokens [B, N, D].</param>
    /// <returns>[B, D].</returns>
    public Tensor ForwardFirst(Tensor x)
    {
        Tensor normed = _norm1.Forward(x);
        Tensor middle = _attention.ForwardFirst(normed, x.Select(1, 0), _dropPath.Draw(x));
        normed.Release();
        Tensor y = Add(middle, _norm2, _mlp);
        middle.Release();
        return y;
    }

    /// <summary>The attention maps [B, H, N, N] of this block.</summary>
    public Tensor AttentionMaps(Tensor x)
    {
        _attention.Forward(_norm1.Forward(x), out Tensor probabilities);
        return probabilities;
    }

    /// <summary>x + branch(norm(x)).</summary>
    private Tensor Add(Tensor x, LayerNorm norm, IResidualBranch branch)
    {
        Tensor normed = norm.Forward(x);
        Tensor y = branch.Forward(normed, x, _dropPath.Draw(x));
        normed.Release();
        return y;
    }
}
