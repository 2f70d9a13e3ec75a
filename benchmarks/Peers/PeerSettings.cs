namespace Dino.Benchmarks.Peers;

/// <summary>Where the contenders are, and how long to measure.</summary>
internal sealed record PeerSettings
{
    /// <summary>What setup.sh filled.</summary>
    public required string PeersDirectory { get; init; }

    /// <summary>Files that all contenders of a run share.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>The program with torch and scikit-learn.</summary>
    public required string Python { get; init; }

    /// <summary>Thread counts to compare at.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Turns that every contender of a row gets.</summary>
    public required int Rounds { get; init; }

    /// <summary>Seconds of a turn; a turn always holds a whole repetition.</summary>
    public required double Seconds { get; init; }

    /// <summary>Rows whose names contain one of these; all if empty.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>A published program of ours for the start-up rows; null for this one.</summary>
    public string? StartupProgram { get; init; }

    /// <summary>Its arguments, with {weights}, {image}, {output} and {threads}.</summary>
    public required string StartupArguments { get; init; }

    /// <summary>The contenders' scripts, beside this program.</summary>
    public static string Drivers => Path.Combine(AppContext.BaseDirectory, "Peers", "drivers");

    /// <summary>500x375 JPEG files.</summary>
    public string Pictures => Path.Combine(PeersDirectory, "pictures");

    /// <summary>Weights that every contender loads, or null if setup.sh has not made them.</summary>
    public string? Weights(string architecture)
    {
        string path = Path.Combine(PeersDirectory, "weights", architecture + ".safetensors");
        return File.Exists(path) ? path : null;
    }
}
