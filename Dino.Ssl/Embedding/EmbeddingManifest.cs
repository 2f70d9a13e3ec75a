using System.Text.Json;
using System.Text.Json.Serialization;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>What stands beside a file of features: what they are of, and what they depend on.</summary>
/// <param name="Format">What this is.</param>
/// <param name="Completed">Whether all features are there; false of an unfinished file.</param>
/// <param name="Count">Rows, N: files that have a feature. Meaningless before completion.</param>
/// <param name="Width">Length of a row, D.</param>
/// <param name="Settings">What the features depend on.</param>
/// <param name="Folder">Where the pictures were.</param>
/// <param name="Files">All pictures; those that were not skipped are the rows, in this order.</param>
public sealed record EmbeddingManifest(string Format, bool Completed, int Count, int Width, EmbeddingSettings Settings, string Folder, IReadOnlyList<EmbeddedFile> Files)
{
    /// <summary>The format of this version.</summary>
    public const string CurrentFormat = "dino-embeddings-1";

    /// <summary>Where the manifest of a file of features is.</summary>
    public static string PathFor(string output) => output + ".json";

    /// <summary>Reads a manifest.</summary>
    /// <returns>Null if there is no file.</returns>
    /// <exception cref="InvalidDataException">The file is no manifest, or a damaged one.</exception>
    public static EmbeddingManifest? TryLoad(string path)
    {
        if (!File.Exists(path))
            return null;
        EmbeddingManifest? manifest = null;
        string reason = $"its format is not {CurrentFormat}";
        try
        {
            using FileStream stream = File.OpenRead(path);
            manifest = JsonSerializer.Deserialize(stream, EmbeddingJson.Default.EmbeddingManifest);
        }
        catch (JsonException error)
        {
            reason = error.Message;
        }

        return manifest is { Format: CurrentFormat } ? manifest : throw new InvalidDataException($"{path} is in the way: it is no description of features ({reason}). Move it, or choose another output.");
    }

    /// <summary>Removes the manifest of features that are replaced by others without one. A file of another kind in its place is left alone.</summary>
    /// <param name="output">The file of features.</param>
    public static void Remove(string output)
    {
        try
        {
            if (TryLoad(PathFor(output)) is not null)
                File.Delete(PathFor(output));
        }
        catch (InvalidDataException)
        {
            // It describes no features, hence no others either.
        }
    }

    /// <summary>Writes it in place of an older one.</summary>
    public void Save(string path) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, EmbeddingJson.Default.EmbeddingManifest));
}

/// <summary>The JSON of manifests, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IncludeFields = true, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(EmbeddingManifest))]
internal sealed partial class EmbeddingJson : JsonSerializerContext;
