namespace Dino.Ssl.Projection;

/// <summary>How patches are split and how many components are found.</summary>
public sealed record PatchComponentsOptions
{
    /// <summary>Components to find, at least the three that make colours; fewer if there are not so many.</summary>
    public int Components { get; init; } = 3;

    /// <summary>Whether a second analysis is made of the patches on one side of the first component.</summary>
    public bool SplitsForeground { get; init; }

    /// <summary>Where the first component is cut, 0 for its smallest value and 1 for its largest; where it falls best into two groups (Otsu 1979) if null.</summary>
    public double? Threshold { get; init; }

    /// <summary>Takes the other side of the first component for the foreground.</summary>
    public bool Inverts { get; init; }

    /// <summary>Threads that compute; 0 for one per core.</summary>
    public int Threads { get; init; }

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public void Validate()
    {
        if (Components < 3)
            throw new ArgumentException($"Colours need at least 3 components, not {Components}.");
        if (Threshold is { } threshold && threshold is not (>= 0 and < 1))
            throw new ArgumentException($"The first component is cut at 0 (all is foreground) to less than 1, not {threshold}.");
    }
}
