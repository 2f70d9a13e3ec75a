using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>The form in which the features of a folder end up.</summary>
/// <param name="path">The file of features.</param>
internal abstract class EmbeddingOutput(string path)
{
    /// <summary>The file of features.</summary>
    public string Path { get; } = path;

    /// <summary>What an earlier run has left there and this one may take over.</summary>
    /// <param name="settings">Of this run.</param>
    /// <param name="restart">Nothing is to be taken over.</param>
    /// <param name="finding">Why nothing is taken over of what is there, as a sentence; null for nothing to say.</param>
    /// <returns>Null for nothing.</returns>
    /// <exception cref="InvalidDataException">What is there must not be replaced.</exception>
    public abstract EmbeddingManifest? Find(EmbeddingSettings settings, bool restart, out string? finding);

    /// <summary>The rows of what was found.</summary>
    /// <exception cref="InvalidDataException">They are not what the manifest says.</exception>
    public abstract MatrixFile OpenRows(EmbeddingManifest manifest);

    /// <summary>Puts features in the place of what is there.</summary>
    /// <param name="manifest">Describes them.</param>
    /// <param name="rows">A row for every file of the manifest; those of skipped files are of no meaning.</param>
    public abstract void Save(EmbeddingManifest manifest, UnfinishedRows rows);

    /// <summary>The rows of the files that have one, in memory that holds one at a time.</summary>
    protected static void Copy(EmbeddingManifest manifest, UnfinishedRows rows, Action<int, float[]> write)
    {
        float[] row = new float[rows.Width];
        int position = 0;
        foreach ((int index, EmbeddedFile file) in manifest.Files.Index())
        {
            if (file.Skipped is not null)
                continue;
            if (!rows.TryRead(index, row))
                throw new InvalidDataException($"The feature of {file.Path} has been damaged on the disk since it was written. Repeat the call.");
            write(position++, row);
        }
    }
}
