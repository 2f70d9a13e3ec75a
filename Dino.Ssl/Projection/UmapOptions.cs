namespace Dino.Ssl.Projection;

/// <summary>Settings of <see cref="Umap"/>; the defaults are those of umap-learn.</summary>
public sealed record UmapOptions
{
    /// <summary>Neighbours of a point, itself among them; more show more of the whole and less of the details.</summary>
    public int Neighbours { get; init; } = 15;

    /// <summary>How near points may come in the plane, where the diameter of a neighbourhood is about 1: small values make dense clusters.</summary>
    public double MinDistance { get; init; } = 0.1;

    /// <summary>Passes over the graph; 500 for up to 10,000 points and 200 beyond if null.</summary>
    public int? Epochs { get; init; }

    /// <summary>Random points that repel a point for each one that attracts it.</summary>
    public int NegativeSamples { get; init; } = 5;

    /// <summary>Size of the first steps; it falls to 0.</summary>
    public double LearningRate { get; init; } = 1;

    /// <summary>Seed of first places and negative samples.</summary>
    public ulong Seed { get; init; }

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">A number is out of range; the message says which are not.</exception>
    public void Validate()
    {
        Require(Neighbours >= 2, $"UMAP needs at least 2 neighbours, of which a point itself is one; not {Neighbours}.");
        Require(MinDistance is >= 0 and <= 1, $"The least distance must lie in [0, 1], not {MinDistance}.");
        Require(Epochs is null or >= 1, $"UMAP needs at least 1 epoch, not {Epochs}.");
        Require(NegativeSamples >= 0, $"The number of negative samples must not be negative, it is {NegativeSamples}.");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), $"The learning rate must be positive, not {LearningRate}.");
    }

    /// <summary>Checks that there are enough points.</summary>
    /// <exception cref="ArgumentException">There are not; the message gives the largest number of neighbours.</exception>
    public void RequirePoints(int count)
    {
        Require(count >= 4, $"UMAP needs at least 4 points; there {(count == 1 ? "is 1" : $"are {count}")}.");
        Require(Neighbours <= count, $"{Neighbours} neighbours are too many for {count} points: there must be at most {count}. Lower them, or take more pictures.");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
