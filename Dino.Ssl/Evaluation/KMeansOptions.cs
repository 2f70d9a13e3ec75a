namespace Dino.Ssl.Evaluation;

/// <summary>How to cluster.</summary>
public sealed record KMeansOptions
{
    /// <summary>Number of clusters.</summary>
    public required int Clusters { get; init; }

    /// <summary>Compare directions instead of distances: for L2-normalised features; centres are normalised too.</summary>
    public bool IsSpherical { get; init; }

    /// <summary>Assignments at most.</summary>
    public int MaxIterations { get; init; } = 300;

    /// <summary>Seed of the first centres.</summary>
    public ulong Seed { get; init; }

    /// <summary>Refuses what cannot run.</summary>
    /// <exception cref="ArgumentException">A number is not positive.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Clusters, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxIterations, 1);
    }
}
