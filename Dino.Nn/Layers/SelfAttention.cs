using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Nn;

/// <summary>Multi-head self-attention with its input and output projections.</summary>
public sealed class SelfAttention : Module
{
    private readonly Linear _qkv;
    private readonly Linear _projection;
    private readonly int _heads;

    /// <summary>Self-attention.</summary>
    /// <param name="scope">Where <c>qkv</c> and <c>proj</c> are declared.</param>
    /// <param name="width">Token width, a multiple of the heads.</param>
    /// <param name="heads">H.</param>
    /// <param name="qkvBias">Whether the input projection has a bias.</param>
    /// <param name="maskedKeyBias">Whether the keys' part of that bias is multiplied by the zeros of a buffer, <c>qkv.bias_mask</c>.</param>
    public SelfAttention(ParameterScope scope, int width, int heads, bool qkvBias = true, bool maskedKeyBias = false)
        : base(scope)
    {
        ParameterScope qkv = scope / "qkv";
        _qkv = new Linear(qkv, width, 3 * width, qkvBias) { BiasMask = maskedKeyBias ? qkv.Buffer("bias_mask", [3 * width], Initializer.WithoutMiddleThird) : null };
        _projection = new Linear(scope / "proj", width, width);
        _heads = heads;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, default, default(Junction));

    /// <summary>residual + factors · attention(x).</summary>
    public Tensor Forward(Tensor x, Tensor residual, Tensor factors) => Forward(x, default, new Junction(residual, factors));

    /// <summary>The branch of normed tokens [B, N, D], joined.</summary>
    internal Tensor Forward(Tensor x, Rotation rotation, Junction junction)
    {
        // Turned queries and keys keep all their digits: angles are positions.
        DType type = rotation.Turns.Exists ? DType.F32 : x.Device.Backend.InnerType;
        Tensor qkv = rotation.Apply(_qkv.Forward(x, Activation.Identity, type: type), _heads);
        Tensor mixed = qkv.Attention(_heads);
        qkv.Release();
        return Project(mixed, junction);
    }

    /// <summary>The same for the first token alone, which is all that a feature of the CLS token needs of the last block.</summary>
    /// <param name="x">Normed tokens [B, N, D].</param>
    /// <param name="rotation">Positions; the first token has none.</param>
    /// <param name="junction">Joins first tokens [B, D].</param>
    /// <returns>[B, D].</returns>
    internal Tensor ForwardFirst(Tensor x, Rotation rotation, Junction junction)
    {
        if (_qkv.Weight.Packed is null && !rotation.Turns.Exists)
            return Project(x.FirstTokenAttention(_qkv.Weight, _qkv.EffectiveBias(x), _heads), junction);
        // Queries of the other tokens come with the packed product: they are a third of this layer, under a hundredth of a network.
        Tensor qkv = rotation.Apply(_qkv.Forward(x), _heads);
        // Training through turned keys has no shorter way.
        Tensor mixed = qkv.RequiresGradient ? qkv.Attention(_heads).Select(1, 0) : qkv.FirstTokenAttention(_heads);
        qkv.Release();
        return Project(mixed, junction);
    }

    /// <summary>The attention maps [B, H, N, N].</summary>
    /// <param name="x">Normed tokens [B, N, D].</param>
    /// <param name="rotation">Positions.</param>
    internal Tensor Probabilities(Tensor x, Rotation rotation)
    {
        rotation.Apply(_qkv.Forward(x), _heads).Attention(_heads, 0, out Tensor probabilities);
        return probabilities;
    }

    private Tensor Project(Tensor x, Junction junction)
    {
        Tensor y = junction.Join(_projection, x);
        x.Release();
        return y;
    }
}
