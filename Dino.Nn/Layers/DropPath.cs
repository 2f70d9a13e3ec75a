using System.Buffers;
using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Stochastic depth: in training, drops a residual branch for whole samples and divides the kept ones by the keep probability.</summary>
/// <param name="store">Where masks come from.</param>
/// <param name="rate">Probability of dropping.</param>
/// <remarks>Huang et al. 2016. DINO drops in the student only: the teacher is built with rate 0.</remarks>
internal sealed class DropPath(ParameterStore store, float rate)
{
    /// <summary>Factors of a branch: 0 or 1 / keep probability for each sample of x, [B]; <c>default</c> when nothing is dropped.</summary>
    public Tensor Draw(Tensor x)
    {
        if (rate == 0 || !store.IsTraining)
            return default;
        int batch = x.Shape[0];
        float keep = 1 - rate;
        float[] mask = ArrayPool<float>.Shared.Rent(batch);
        try
        {
            Span<float> factors = mask.AsSpan(0, batch);
            store.Masks.Next(keep, factors);
            foreach (ref float factor in factors)
                factor /= keep;
            return Scope.Of(nameof(DropPath), x).Upload<float>(factors, [batch]);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(mask);
        }
    }
}
