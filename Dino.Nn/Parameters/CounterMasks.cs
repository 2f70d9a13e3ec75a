using Dino.Tensors;

namespace Dino.Nn;

/// <summary>Masks from counter-based random numbers: mask n of step s is a pure function of (seed, s, n).</summary>
public sealed class CounterMasks(ulong seed) : IMaskSource
{
    private uint _step;
    private uint _call;

    /// <summary>Begins a training step; a resumed run draws the same masks.</summary>
    public void BeginStep(long step) => (_step, _call) = ((uint)step, 0);

    /// <inheritdoc/>
    public void Next(float keepProbability, Span<float> mask)
    {
        CounterRandom random = new(new RandomKey(seed, _step, _call++, RandomPurpose.DropPath));
        for (int i = 0; i < mask.Length; i++)
            mask[i] = random.NextSingle() < keepProbability ? 1 : 0;
    }
}
