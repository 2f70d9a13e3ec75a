using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>Features as .npy or .safetensors, with the <see cref="EmbeddingManifest"/> and the paths beside them.</summary>
/// <param name="path">Ends in .npy or .safetensors.</param>
internal sealed class FeatureOutput(string path) : EmbeddingOutput(path)
{
    private const string TensorName = "features";

    private string? Tensor => System.IO.Path.GetExtension(Path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase) ? TensorName : null;

    /// <summary>Features of other settings are replaced.</summary>
    public override EmbeddingManifest? Find(EmbeddingSettings settings, bool restart, out string? finding)
    {
        finding = null;
        if (restart || EmbeddingManifest.TryLoad(EmbeddingManifest.PathFor(Path)) is not { Completed: true } earlier || !File.Exists(Path))
            return null;
        if (settings.DifferencesTo(earlier.Settings) is not { Count: > 0 } differences)
            return earlier;
        finding = $"{Path} is computed anew; what differs: {string.Join(", ", differences)}";
        return null;
    }

    public override MatrixFile OpenRows(EmbeddingManifest manifest) => MatrixFile.Open(Path, manifest.Count, manifest.Width, Tensor);

    public override void Save(EmbeddingManifest manifest, UnfinishedRows rows)
    {
        string temporary = Path + ".tmp", description = EmbeddingManifest.PathFor(Path);
        using (MatrixFile file = MatrixFile.Create(temporary, manifest.Count, manifest.Width, Tensor))
        {
            Copy(manifest, rows, (position, row) => file.Write(position, row));
            file.Flush();
        }

        // A kill between these lines leaves features without a description, and the unfinished rows, from which this is done again.
        File.Delete(description);
        AtomicFile.WriteLines(System.IO.Path.ChangeExtension(Path, ".txt"), manifest.Files.Where(file => file.Skipped is null).Select(file => System.IO.Path.GetFullPath(file.Path, manifest.Folder)));
        File.Move(temporary, Path, overwrite: true);
        manifest.Save(description);
    }
}
