using Dino.Tensors;

namespace Dino.Nn;

/// <summary>What a transformer block adds to its tokens: its last product adds the residual in passing.</summary>
internal interface IResidualBranch
{
    /// <summary>residual + factors · branch(x).</summary>
    /// <param name="x">Normed tokens [B, N, D].</param>
    /// <param name="residual">What to add to, or <c>default</c> for nothing.</param>
    /// <param name="factors">One for each sample [B], or <c>default</c> for 1.</param>
    Tensor Forward(Tensor x, Tensor residual, Tensor factors);
}
