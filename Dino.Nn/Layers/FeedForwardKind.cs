namespace Dino.Nn;

/// <summary>The part of a block that sees each token alone.</summary>
public enum FeedForwardKind : byte
{
    /// <summary>Two linear layers with a GELU between: <c>mlp.fc1</c>, <c>mlp.fc2</c>.</summary>
    Mlp,

    /// <summary>w3(silu(a) · b) where [a, b] = w12(x), as DINOv2's giant has it: <c>mlp.w12</c>, <c>mlp.w3</c>.</summary>
    SwiGlu,

    /// <summary>w3(silu(w1(x)) · w2(x)), the same with two weights, as DINOv3 has it: <c>mlp.w1</c>, <c>mlp.w2</c>, <c>mlp.w3</c>.</summary>
    SwiGluSplit,
}
