namespace Dino.Ssl.Projection;

/// <summary>Settings of <see cref="Tsne"/>; the defaults are those of scikit-learn.</summary>
public sealed record TsneOptions
{
    /// <summary>About how many neighbours a point has; larger ones show more of the whole and less of the details.</summary>
    public double Perplexity { get; init; } = 30;

    /// <summary>Steps of gradient descent.</summary>
    public int Iterations { get; init; } = 1000;

    /// <summary>Factor on all attraction during the first quarter of 1000 iterations (of fewer, their first quarter), which lets clusters find each other.</summary>
    public double EarlyExaggeration { get; init; } = 12;

    /// <summary>Size of a step; N / <see cref="EarlyExaggeration"/> / 4, and at least 50, if null.</summary>
    public double? LearningRate { get; init; }

    /// <summary>
    /// Groups of points whose width is less than this share of their distance repel as one (Barnes-Hut); 0 computes every pair. If null, every pair up to
    /// <see cref="Tsne.MostExactPoints"/> points, and 0.5 beyond.
    /// </summary>
    public double? Angle { get; init; }

    /// <summary>Neighbours that attract a point; all others if there are at most <see cref="Tsne.MostDensePoints"/> points, else three times the perplexity, if null.</summary>
    public int? Neighbours { get; init; }

    /// <summary>Seed of the first places, which are those of the two principal components but for a hundredth.</summary>
    public ulong Seed { get; init; }

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">A number is out of range; the message says which are not.</exception>
    public void Validate()
    {
        Require(Perplexity >= 1 && double.IsFinite(Perplexity), $"The perplexity must be at least 1, not {Perplexity}.");
        Require(Iterations >= 1, $"t-SNE needs at least 1 iteration, not {Iterations}.");
        Require(EarlyExaggeration >= 1 && double.IsFinite(EarlyExaggeration), $"The early exaggeration must be at least 1, not {EarlyExaggeration}.");
        Require(LearningRate is null or > 0, $"The learning rate must be positive, not {LearningRate}.");
        Require(Angle is null or (>= 0 and < 1), $"The angle must lie in [0, 1), not {Angle}.");
        Require(Neighbours is null or >= 1, $"A point needs at least 1 neighbour, not {Neighbours}.");
    }

    /// <summary>Checks that there are enough points for the perplexity.</summary>
    /// <exception cref="ArgumentException">There are not; the message gives the largest perplexity.</exception>
    public void RequirePoints(int count)
    {
        Require(count >= 4, $"t-SNE needs at least 4 points; there {(count == 1 ? "is 1" : $"are {count}")}.");
        // As many neighbours as the perplexity says must be within three times as many, or the widths mean nothing.
        Require(3 * Perplexity <= count - 1, $"A perplexity of {Perplexity} is too large for {count} points: it must be at most {(count - 1) / 3}. Lower it, or take more pictures.");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
