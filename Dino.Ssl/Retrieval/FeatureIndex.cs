using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Retrieval;

/// <summary>
/// Features of the pictures of a folder in a file, to search among. On a CPU they stay in the file until they are needed: opening takes no time to speak of, and
/// several processes share the memory.
/// </summary>
/// <remarks>The search is exact: every row is compared. <see cref="FeatureIndexBuilder"/> makes the file and brings it up to date.</remarks>
public sealed class FeatureIndex : IDisposable
{
    private readonly TensorStore _features;

    private FeatureIndex(string path, IndexOrigin origin, string folder, IndexedPicture[] pictures, TensorStore features) =>
        (Path, Origin, Folder, Pictures, _features) = (path, origin, folder, Array.AsReadOnly(pictures), features);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What made the features: a query has to come from the same.</summary>
    public IndexOrigin Origin { get; }

    /// <summary>The folder whose pictures these are.</summary>
    public string Folder { get; }

    /// <summary>The pictures, by path.</summary>
    public IReadOnlyList<IndexedPicture> Pictures { get; }

    /// <summary>Width of a feature.</summary>
    public int Width => _features[0].Shape[1];

    /// <summary>Opens an index.</summary>
    /// <param name="path">The file. It may be replaced while it is open, as <see cref="FeatureIndexBuilder"/> does, but not rewritten in place.</param>
    /// <param name="device">Where to search.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no index, or it is damaged.</exception>
    public static FeatureIndex Open(string path, Device device)
    {
        using SafetensorsFile file = IndexFile.Open(path);
        (IndexOrigin origin, string folder, IndexedPicture[] pictures) = (IndexFile.Origin(file), IndexFile.Folder(file), IndexFile.Pictures(file));
        TensorStore features = TensorStore.TryMap(device, file, [IndexFile.Features]) ?? Read(file, device);
        return new FeatureIndex(path, origin, folder, pictures, features);
    }

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
    /// <param name="query">[D], of the <see cref="Origin"/> of this index; any length.</param>
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
