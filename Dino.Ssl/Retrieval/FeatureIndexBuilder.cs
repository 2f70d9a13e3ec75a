using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Retrieval;

/// <summary>Makes the file of a <see cref="FeatureIndex"/>, or brings it up to date: only pictures that are new or changed go through the network.</summary>
/// <param name="model">The network.</param>
/// <param name="origin">Where its features come from; says what the network sees of pictures.</param>
public sealed class FeatureIndexBuilder(LoadedModel model, IndexOrigin origin)
{
    /// <summary>Pictures at a time.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>Makes the file hold the features of the pictures that the folder holds now. It is replaced as a whole, at the end.</summary>
    /// <param name="path">The index; made if there is none.</param>
    /// <param name="folder">The pictures; see <see cref="ImageFolder.OpenTree"/>. A picture is known by its path in it, and unchanged if length and time of its file are.</param>
    /// <param name="progress">Pictures that went through the network, of those that have to.</param>
    /// <param name="cancellationToken">Stops between batches; the file stays as it was.</param>
    /// <exception cref="InvalidDataException">The file is no index, or one of another <see cref="IndexOrigin"/>; it stays as it is. Or no picture of the folder can be decoded.</exception>
    public IndexUpdate Update(string path, ImageFolder folder, IProgress<RetrievalProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        (Dictionary<string, int> known, IndexedPicture[] before, float[] features) = File.Exists(path) ? Load(path) : ([], [], []);
        int width = model.Backbone.Options.Width;
        IndexedPicture[] now = [.. folder.Samples.Select(sample => IndexedPicture.Of(folder.Path, sample.Path))];
        // The row of each picture among those before, or -1 for one that is new or changed.
        int[] rows = [.. now.Select(picture => known.TryGetValue(picture.Path, out int row) && before[row] == picture ? row : -1)];
        int[] wanted = [.. rows.Index().Where(item => item.Item < 0).Select(item => item.Index)];
        FeatureSet fresh = Compute(folder.Only(wanted), progress, cancellationToken);
        Dictionary<string, int> computed = fresh.Paths.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);

        List<IndexedPicture> pictures = [];
        float[] values = new float[(long)now.Length * width];
        int added = 0, changed = 0;
        for (int i = 0; i < now.Length; i++)
        {
            ReadOnlySpan<float> row;
            if (rows[i] >= 0)
                row = features.AsSpan(rows[i] * width, width);
            else if (computed.TryGetValue(folder.Samples[i].Path, out int at))
                row = fresh.Values.AsSpan(at * width, width);
            else
                continue;
            row.CopyTo(values.AsSpan(pictures.Count * width));
            pictures.Add(now[i]);
            (added, changed) = rows[i] >= 0 ? (added, changed) : known.ContainsKey(now[i].Path) ? (added, changed + 1) : (added + 1, changed);
        }

        if (pictures.Count == 0)
            throw new InvalidDataException($"None of the {now.Length} pictures in '{folder.Path}' can be decoded: there is nothing to search among. The first: {fresh.Skipped.First().Path}: {fresh.Skipped.First().Reason}");
        IndexFile.Save(path, folder.Path, origin, pictures, values.AsMemory(0, pictures.Count * width), width);
        int kept = pictures.Count - added - changed;
        return new IndexUpdate(pictures.Count, added, changed, before.Length - kept - changed, kept, fresh.Skipped);
    }

    /// <summary>Features of pictures of which there may be none, or none that can be decoded: what is new beside good ones may be just that.</summary>
    private FeatureSet Compute(ImageFolder folder, IProgress<RetrievalProgress>? progress, CancellationToken cancellationToken)
    {
        SkippedPicture[] skipped = [];
        try
        {
            if (folder.Count > 0)
                return FeatureSet.OfModel(model, folder, origin.Preprocessing, normalize: true, Batch, new StageProgress(progress, "pictures", folder.Count), cancellationToken);
        }
        catch (InvalidDataException)
        {
            skipped = [.. folder.Samples.Select(sample => Fault(sample.Path)).OfType<SkippedPicture>()];
            if (skipped.Length < folder.Count)
                throw;
        }

        return new FeatureSet([], model.Backbone.Options.Width, [], [], [], skipped);
    }

    private static SkippedPicture? Fault(string path)
    {
        try
        {
            ImageFile.Decode(path);
            return null;
        }
        catch (Exception error) when (error is ImageException or IOException or UnauthorizedAccessException)
        {
            return SkippedPicture.Of(path, error);
        }
    }

    private (Dictionary<string, int> Rows, IndexedPicture[] Pictures, float[] Features) Load(string path)
    {
        using SafetensorsFile file = IndexFile.Open(path);
        IndexFile.Origin(file).Require(origin, path);
        IndexedPicture[] pictures = IndexFile.Pictures(file);
        if (file.Entry(IndexFile.Features).Shape[1] != model.Backbone.Options.Width)
            throw new InvalidDataException($"{path} is damaged: its features are {file.Entry(IndexFile.Features).Shape[1]} wide, those of its model {model.Backbone.Options.Width}. Delete it and make it anew with dino index.");
        return (pictures.Index().ToDictionary(item => item.Item.Path, item => item.Index, StringComparer.Ordinal), pictures, file.ReadSingles(IndexFile.Features));
    }
}
