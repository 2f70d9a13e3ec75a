namespace Dino.Tensors.Formats;

/// <summary>
/// A PyTorch file that is damaged, cut short, larger than the limits, or asks for something that is not data. Nothing of it was executed.
/// </summary>
public sealed class TorchFileException : IOException
{
    /// <summary>An error at a place in a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="entry">Entry of the archive, or null where the file itself is meant.</param>
    /// <param name="position">Byte in the entry (or in the file), or null where none is meant.</param>
    /// <param name="problem">What is wrong, and what to do where something can be done.</param>
    public TorchFileException(string path, string? entry, long? position, string problem)
        : base($"{path}{(entry is null ? "" : $", entry '{entry}'")}{(position is null ? "" : $", byte {position}")}: {problem}") =>
        (FilePath, Entry, Position) = (path, entry, position);

    /// <summary>An error with a message.</summary>
    public TorchFileException(string message) : base(message) { }

    /// <summary>An error without details.</summary>
    public TorchFileException() { }

    /// <summary>An error with its cause.</summary>
    public TorchFileException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>The file.</summary>
    public string? FilePath { get; }

    /// <summary>Entry of the archive; null where the file itself is meant.</summary>
    public string? Entry { get; }

    /// <summary>Byte in <see cref="Entry"/>, or in the file where that is null.</summary>
    public long? Position { get; }

    /// <summary>The full name the file asks for and does not get, such as <c>os.system</c>; null for every other error.</summary>
    public string? RefusedName { get; init; }
}

/// <summary>Where bytes come from, for errors: a file, and in an archive one of its entries.</summary>
internal readonly record struct FilePlace(string Path, string? Entry = null)
{
    private const int MaxCharacters = 1000;

    public TorchFileException Error(string problem, long? position = null, string? refused = null) =>
        new(Path, Entry is null ? null : Printable(Entry), position, Printable(problem)) { RefusedName = refused };

    /// <summary>Names in a message come from the file: they may be long, and hold what terminals obey.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Take(MaxCharacters).Select(character => char.IsControl(character) ? '\uFFFD' : character)) + (text.Length > MaxCharacters ? " ..." : "");
}
