using System.Buffers;
using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Stochastic depth: in training, drops a residual branch for whole samples and divides the kept ones by the keep probability.</summary>
/// <param name="store">Where masks come from.</param>
/// <param name="rate">Probability of dropping.</param>
/// <param name="leavesOut">Whether the branch can be computed of some samples only, so that dropped ones cost nothing.</param>
/// <remarks>Huang et al. 2016. DINO drops in the student only: the teacher is built with rate 0.</remarks>
internal sealed class DropPath(ParameterStore store, float rate, bool leavesOut)
{
    /// <summary>What was drawn for a batch.</summary>
    /// <param name="Factors">Of each sample that the branch is computed of: 0 or 1 / keep probability; <c>default</c> when nothing is dropped.</param>
    /// <param name="Samples">Which samples those are; <c>default</c> for all.</param>
    internal readonly record struct Draw(Tensor Factors, Tensor Samples);

    /// <summary>Draws for the samples of x: the kept ones where the device leaves out the others, a factor for each elsewhere.</summary>
    public Draw Next(Tensor x) =>
        rate == 0 || !store.IsTraining ? default
        : leavesOut && x.Device.Backend.LeavesOutDropped ? Kept(x)
        : new Draw(Factors(x), default);

    /// <summary>Factors of all samples of x, [B]; <c>default</c> when nothing is dropped.</summary>
    public Tensor Factors(Tensor x)
    {
        if (rate == 0 || !store.IsTraining)
            return default;
        int batch = x.Shape[0];
        float[] mask = ArrayPool<float>.Shared.Rent(batch);
        try
        {
            Span<float> factors = mask.AsSpan(0, batch);
            Next(factors);
            return Scope.Of(nameof(DropPath), x).Upload<float>(factors, [batch]);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(mask);
        }
    }

    private Draw Kept(Tensor x)
    {
        int batch = x.Shape[0];
        float[] mask = ArrayPool<float>.Shared.Rent(batch);
        int[] indices = ArrayPool<int>.Shared.Rent(batch);
        try
        {
            Span<float> factors = mask.AsSpan(0, batch);
            Next(factors);
            int count = 0;
            for (int i = 0; i < batch; i++)
            {
                if (factors[i] != 0)
                    (factors[count], indices[count++]) = (factors[i], i);
            }

            // Where all are dropped one stays, times 0: nothing below has to do with empty batches.
            if (count == 0)
                (factors[count], indices[count++]) = (0, 0);
            Scope scope = Scope.Of(nameof(DropPath), x);
            return new Draw(scope.Upload<float>(factors[..count], [count], batch), scope.Upload<int>(indices.AsSpan(0, count), [count], batch));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(mask);
            ArrayPool<int>.Shared.Return(indices);
        }
    }

    private void Next(Span<float> factors)
    {
        float keep = 1 - rate;
        store.Masks.Next(keep, factors);
        foreach (ref float factor in factors)
            factor /= keep;
    }
}
