using Dino.Tensors;

namespace Dino.Nn;

/// <summary>The part of a block that sees each token alone.</summary>
internal interface IFeedForward
{
    /// <summary>The branch of normed tokens [.., D], joined.</summary>
    Tensor Forward(Tensor x, Junction junction);
}
