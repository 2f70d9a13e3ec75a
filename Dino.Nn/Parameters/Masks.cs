using Dino.Tensors;

namespace Dino.Nn;

/// <summary>What a stream of random numbers is for: the third coordinate of a <see cref="RandomKey"/>, so that no two uses share a stream.</summary>
public static class RandomPurpose
{
    /// <summary>First values of parameters.</summary>
    public const uint Initialization = 1;

    /// <summary>Masks of drop path.</summary>
    public const uint DropPath = 2;

    /// <summary>Order of the samples in an epoch.</summary>
    public const uint Shuffle = 3;

    /// <summary>Augmentation of view v uses Augmentation + v.</summary>
    public const uint Augmentation = 16;
}

/// <summary>Supplies the keep masks of stochastic layers.</summary>
public interface IMaskSource
{
    /// <summary>Fills one mask: 1 keeps a sample, 0 drops it.</summary>
    /// <param name="keepProbability">Probability of a 1.</param>
    /// <param name="mask">One value per sample.</param>
    void Next(float keepProbability, Span<float> mask);
}

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
