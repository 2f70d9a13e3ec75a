namespace Dino.Nn;

/// <summary>A file that does not fit a network; lists the keys.</summary>
public sealed class StateDictException : Exception
{
    /// <summary>An error about keys.</summary>
    public StateDictException(IReadOnlyList<string> missing, IReadOnlyList<string> unexpected, IReadOnlyList<string> misshaped)
        : base(Describe(missing, unexpected, misshaped)) => (Missing, Unexpected, Misshaped) = (missing, unexpected, misshaped);

    /// <summary>An error with a message.</summary>
    public StateDictException(string message) : base(message) { }

    /// <summary>An error without details.</summary>
    public StateDictException() { }

    /// <summary>An error with its cause.</summary>
    public StateDictException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>Parameters the file lacks.</summary>
    public IReadOnlyList<string> Missing { get; } = [];

    /// <summary>Keys the network lacks.</summary>
    public IReadOnlyList<string> Unexpected { get; } = [];

    /// <summary>Keys of another shape, with both shapes.</summary>
    public IReadOnlyList<string> Misshaped { get; } = [];

    private static string Describe(IReadOnlyList<string> missing, IReadOnlyList<string> unexpected, IReadOnlyList<string> misshaped)
    {
        List<string> parts = ["The weights do not fit the network."];
        Add("Missing", missing);
        Add("Unexpected", unexpected);
        Add("Wrong shape", misshaped);
        parts.Add("Check the architecture and patch size; a different part of a checkpoint may need its prefix removed.");
        return string.Join(' ', parts);

        void Add(string what, IReadOnlyList<string> keys)
        {
            if (keys.Count > 0)
                parts.Add($"{what} ({keys.Count}): {string.Join(", ", keys.Take(12))}{(keys.Count > 12 ? ", ..." : "")}.");
        }
    }
}
