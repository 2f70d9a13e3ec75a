using Dino.Tensors;

namespace Dino.Nn;

/// <summary>The turns of queries and keys for the pictures of one forward pass; <c>default</c> for none.</summary>
/// <param name="Turns">[2, P, D/2]: cosines and sines of the P patches.</param>
/// <param name="Type">What is computed in.</param>
internal readonly record struct Rotation(Tensor Turns, DType Type)
{
    /// <summary>Turned queries and keys beside the values; takes the place of the operand, which is released.</summary>
    public Tensor Apply(Tensor qkv, int heads)
    {
        if (!Turns.Exists)
            return qkv;
        Tensor turned = qkv.Rotate(Turns, heads, Type);
        qkv.Release();
        return turned;
    }
}
