using System.Text;

namespace Dino.Ssl.Training;

/// <summary>Tells weights apart by their content.</summary>
public static class ModelFingerprint
{
    private static readonly string[] s_endings = [".safetensors", ".json", ".pth", ".pt", ".bin"];

    /// <summary>The xxHash64 of a file of weights in 16 hexadecimal digits; of the index of shards and of a folder, that of all weights and settings beside it or in it.</summary>
    /// <param name="path">As models are loaded from.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string path)
    {
        bool isFolder = Directory.Exists(path);
        if (!isFolder && !path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))
            return OfFile(path);
        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        StringBuilder parts = new();
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => s_endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal))
            parts.Append(Path.GetFileName(file)).Append(' ').Append(OfFile(file)).Append('\n');
        using MemoryStream text = new(Encoding.UTF8.GetBytes(parts.ToString()));
        return Digits(XxHash64.Of(text));
    }

    private static string OfFile(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        return Digits(XxHash64.Of(file));
    }

    private static string Digits(ulong hash) => hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
