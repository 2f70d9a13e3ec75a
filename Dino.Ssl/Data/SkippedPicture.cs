using Dino.Imaging;

namespace Dino.Ssl.Data;

/// <summary>A file that was left out because it cannot be read or decoded.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record SkippedPicture(string Path, string Reason)
{
    /// <summary>Whether the file could not be read, and not decoded: another time it may be.</summary>
    public bool MayPass { get; init; }

    /// <summary>What an error says; messages of the decoders begin with the path, which the record has of its own.</summary>
    internal static SkippedPicture Of(string path, Exception error) =>
        new(path, error.Message.StartsWith($"{path}: ", StringComparison.Ordinal) ? error.Message[(path.Length + 2)..] : error.Message) { MayPass = error is not ImageException };
}
