namespace Dino.Ssl.Retrieval;

/// <summary>What counts as a near-duplicate.</summary>
public sealed record DuplicateOptions
{
    /// <summary>Likeness of the pixels from which two pictures are copies, 0 to 1: 1 is equal, re-encoded and resized copies reach 0.75, other pictures seldom 0.6.</summary>
    public double Threshold { get; init; } = 0.75;

    /// <summary>Also find copies whose edges were cut off, three tenths of the area at most.</summary>
    public bool Crops { get; init; } = true;

    /// <summary>Pictures that each one is compared with: the nearest by coarse pixels, and as many by features if there are some.</summary>
    public int Candidates { get; init; } = 16;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public void Validate()
    {
        if (!(Threshold is > 0 and <= 1))
            throw new ArgumentException($"The threshold must lie in (0, 1], not {Threshold}.");
        if (Candidates is < 1 or > 256)
            throw new ArgumentException($"Each picture is compared with 1 to 256 others, not {Candidates}.");
    }
}
