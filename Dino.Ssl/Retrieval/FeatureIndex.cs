using System.Runtime.InteropServices;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Retrieval;

/// <summary>
/// Features of the pictures of a folder in a file, to search among. On a CPU they stay in the file until they are needed: opening takes no time to speak of, and
/// several processes share the memory.
/// </summary>
/// <remarks>The search is exact: every row is compared. <see cref="Build"/> makes the file and brings it up to date.</remarks>
public sealed class FeatureIndex : IDisposable
{
    private readonly TensorStore _features;

    private FeatureIndex(string path, EmbeddingManifest manifest, TensorStore features) =>
        (Path, Settings, Folder, Pictures, _features) = (path, manifest.Settings, manifest.Folder, Array.AsReadOnly([.. manifest.Files.Where(file => file.Skipped is null)]), features);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What made the features: a query has to come from the same; see <see cref="Require"/>.</summary>
    public EmbeddingSettings Settings { get; }

    /// <summary>The folder whose pictures these are.</summary>
    public string Folder { get; }

    /// <summary>The pictures, by path.</summary>
    public IReadOnlyList<EmbeddedFile> Pictures { get; }

    /// <summary>Width of a feature.</summary>
    public int Width => _features[0].Shape[1];

    /// <summary>Opens an index.</summary>
    /// <param name="path">The file. It may be replaced while it is open, as <see cref="Build"/> does, but not rewritten in place.</param>
    /// <param name="device">Where to search.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no index, or it is damaged.</exception>
    public static FeatureIndex Open(string path, Device device)
    {
        using SafetensorsFile file = IndexFile.Open(path);
        EmbeddingManifest manifest = IndexFile.Manifest(file);
        TensorStore features = TensorStore.TryMap(device, file, [IndexFile.Features]) ?? Read(file, device);
        return new FeatureIndex(path, manifest, features);
    }

    /// <summary>
    /// Makes an index of a folder, or brings one up to date: an embedding of the folder that ends as the file of an index, which is replaced as a whole when it is complete. Features of a folder
    /// are computed again where length or time of a file have changed.
    /// </summary>
    /// <param name="extractor">Which features; of unit length.</param>
    /// <param name="folder">The pictures; see <see cref="ImageFolder.OpenTree"/>.</param>
    /// <param name="settings">What the features depend on, of the same extractor.</param>
    /// <param name="path">The index, .safetensors; made if there is none.</param>
    /// <param name="restart">Forgets what there is of an earlier run.</param>
    /// <exception cref="ArgumentException">The features are not of unit length, or an unfinished run had other settings.</exception>
    /// <exception cref="InvalidDataException">The file is no index, or one whose features cannot be compared with these; it stays as it is.</exception>
    /// <exception cref="IOException">A file cannot be read or written; also when another run has it open.</exception>
    public static FolderEmbedding Build(FeatureExtractor extractor, ImageFolder folder, EmbeddingSettings settings, string path, bool restart = false)
    {
        ArgumentNullException.ThrowIfNull(extractor);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return extractor.Normalize ? FolderEmbedding.Open(extractor, folder, settings, new IndexFile(path), restart) : throw new ArgumentException("An index holds features of unit length: give an extractor that normalises.", nameof(extractor));
    }

    /// <summary>Refuses queries of other settings: features of two models cannot be compared. The place of the weights does not matter, their content does.</summary>
    /// <exception cref="InvalidDataException">They differ; the message says in what, and what to do.</exception>
    public void Require(EmbeddingSettings query) => IndexFile.Require(Settings, query, Path);

    /// <summary>Where a picture of the index is.</summary>
    public string FullPath(int index) => System.IO.Path.Combine(Folder, Pictures[index].Path);

    /// <summary>The feature of a picture, a unit vector.</summary>
    public float[] Feature(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Pictures.Count, nameof(index));
        using Scope scope = _features.Device.OpenScope(GradMode.Off);
        return scope.Use(_features[0]).Slice(0, index, index + 1).ToArray();
    }

    /// <summary>The pictures most like a query, best first; of equally similar ones in the order of their paths.</summary>
    /// <param name="query">[D], of the <see cref="Settings"/> of this index; any length.</param>
    /// <param name="count">How many; all if there are fewer.</param>
    /// <exception cref="ShapeMismatchException">The query has another width.</exception>
    /// <exception cref="ArgumentException">The query has no direction: it is zero or not finite.</exception>
    public SearchHit[] Search(ReadOnlySpan<float> query, int count = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (query.Length != Width)
            throw new ShapeMismatchException($"{Path} holds features of width {Width}, the query has {query.Length} values.");
        float norm = System.Numerics.Tensors.TensorPrimitives.Norm(query);
        if (!(norm > 0) || !float.IsFinite(norm))
            throw new ArgumentException($"The query has a length of {norm}: it has no direction to compare.", nameof(query));
        count = Math.Min(count, Pictures.Count);
        using Scope scope = _features.Device.OpenScope(GradMode.Off);
        float[] scores = scope.Upload(query, [1, Width]).Normalize().TopProducts(_features[0], count, out Tensor indices).ToArray();
        int[] rows = new int[count];
        scope.Backend.Download(indices.View, MemoryMarshal.AsBytes(rows.AsSpan()));
        return [.. rows.Select((row, i) => new SearchHit(row, Pictures[row].Path, Math.Min(1, scores[i])))];
    }

    /// <inheritdoc/>
    public void Dispose() => _features.Dispose();

    private static TensorStore Read(SafetensorsFile file, Device device)
    {
        TensorStore store = new(device, [new Shape([.. file.Entry(IndexFile.Features).Shape.Select(length => checked((int)length))])], withGradients: false, isCleared: false);
        file.ReadTensor(IndexFile.Features, store[0]);
        return store;
    }
}
