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
    public Draw Next(Tensor x) => Next(x, leavesOut && x.Device.Backend.LeavesOutDropped);

    /// <summary>Factors of all samples of x, [B]; <c>default</c> when nothing is dropped.</summary>
    public Tensor Factors(Tensor x) => Next(x, onlyKept: false).Factors;

    private Draw Next(Tensor x, bool onlyKept)
    {
        if (rate == 0 || !store.IsTraining)
            return default;
        Scope scope = Scope.Of(nameof(DropPath), x);
        int batch = x.Shape[0], count = 0;
        float[] factors = ArrayPool<float>.Shared.Rent(batch);
        int[] samples = ArrayPool<int>.Shared.Rent(batch);
        try
        {
            float keep = 1 - rate;
            store.Masks.Next(keep, factors.AsSpan(0, batch));
            for (int i = 0; i < batch; i++)
            {
                // Where all are dropped one stays, times 0: nothing below has to do with empty batches.
                bool isNeeded = factors[i] != 0 || !onlyKept || (count == 0 && i == batch - 1);
                if (isNeeded)
                    (factors[count], samples[count++]) = (factors[i] / keep, i);
            }

            Tensor uploaded = scope.Upload<float>(factors.AsSpan(0, count), [count], batch);
            return new Draw(uploaded, onlyKept ? scope.Upload<int>(samples.AsSpan(0, count), [count], batch) : default);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(factors);
            ArrayPool<int>.Shared.Return(samples);
        }
    }
}
