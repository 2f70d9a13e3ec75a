using System.Security.Cryptography;
using System.Text;

namespace Dino.Ssl.Embedding;

/// <summary>Tells weights apart by their content.</summary>
public static class ModelFingerprint
{
    private static readonly string[] s_endings = [".safetensors", ".json", ".pth", ".pt", ".bin"];

    /// <summary>The SHA-256 of a file of weights in hexadecimal digits; of the index of shards and of a folder, that of all weights and settings beside it or in it.</summary>
    /// <param name="path">As models are loaded from.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string path)
    {
        bool isFolder = Directory.Exists(path);
        if (!isFolder && !path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))
            return OfFile(path);

        string folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => s_endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal))
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)} {OfFile(file)}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
