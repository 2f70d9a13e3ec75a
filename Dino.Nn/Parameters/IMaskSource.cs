namespace Dino.Nn;

/// <summary>Supplies the keep masks of stochastic layers.</summary>
public interface IMaskSource
{
    /// <summary>Fills one mask: 1 keeps a sample, 0 drops it.</summary>
    /// <param name="keepProbability">Probability of a 1.</param>
    /// <param name="mask">One value per sample.</param>
    void Next(float keepProbability, Span<float> mask);
}
