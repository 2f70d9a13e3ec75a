using System.Buffers;
using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Stochastic depth: in training, drops a residual branch for whole samples and divides the kept ones by the keep probability.</summary>
/// <param name="scope">Only for its place in the network; it has no parameters.</param>
/// <param name="rate">Probability of dropping.</param>
/// <remarks>Huang et al. 2016. DINO drops in the student only: the teacher is built with rate 0.</remarks>
public sealed class DropPath(ParameterScope scope, float rate) : Module(scope)
{
    /// <inheritdoc/>
    /// <param name="x">A branch [B, ..].</param>
    public override Tensor Forward(Tensor x)
    {
        if (rate == 0 || !IsTraining)
            return x;
        int batch = x.Shape[0];
        float keep = 1 - rate;
        float[] mask = ArrayPool<float>.Shared.Rent(batch);
        try
        {
            Span<float> values = mask.AsSpan(0, batch);
            Store.Masks.Next(keep, values);
            foreach (ref float value in values)
                value /= keep;
            Span<int> lengths = stackalloc int[x.Shape.Rank];
            lengths.Fill(1);
            lengths[0] = batch;
            return x * Scope.Of(nameof(DropPath), x).Upload<float>(values, new Shape(lengths));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(mask);
        }
    }
}
