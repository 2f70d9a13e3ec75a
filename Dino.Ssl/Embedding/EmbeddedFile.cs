using System.Text.Json.Serialization;
using Dino.Ssl.Data;

namespace Dino.Ssl.Embedding;

/// <summary>A picture as it was when its feature was computed.</summary>
/// <param name="Path">From the folder of pictures on, with slashes.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Modified">When it was last written.</param>
public sealed record EmbeddedFile(string Path, long Bytes, DateTime Modified)
{
    /// <summary>Why it could not be used and has no row; null if it has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Skipped { get; init; }

    /// <summary>It could not be read, which may pass: the next call tries it again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Again { get; init; }

    /// <summary>Whether it is the same file with, as far as can be seen, the same content.</summary>
    public bool IsSameFile(EmbeddedFile other) => Path == other.Path && Bytes == other.Bytes && Modified == other.Modified;

    /// <summary>A file as it is now.</summary>
    internal static EmbeddedFile Of(ImageFolder folder, string path)
    {
        FileInfo file = new(path);
        return new EmbeddedFile(System.IO.Path.GetRelativePath(folder.Path, path).Replace('\\', '/'), file.Length, file.LastWriteTimeUtc);
    }
}
