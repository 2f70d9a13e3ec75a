using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>
/// Writes the features of a folder of pictures to a file, in memory that does not grow with the features. It can be stopped at any time, also without notice: the next one
/// with the same settings goes on. Features of pictures that have not changed since an earlier run are taken over. What an earlier run has left stays valid until this one is complete.
/// </summary>
/// <remarks>
/// For <c>features.npy</c> (or .safetensors) there are <c>features.npy.json</c>, the <see cref="EmbeddingManifest"/>, and <c>features.txt</c>, the path of each row. Until it is complete there are
/// <c>features.npy.part</c>, with a row and a checksum for every picture, and its manifest <c>features.npy.part.json</c>.
/// </remarks>
public sealed class FolderEmbedding : IDisposable
{
    private readonly FeatureExtractor _extractor;
    private readonly ImageFolder _folder;
    private readonly EmbeddingSettings _settings;
    private readonly EmbeddingOutput _output;
    private readonly EmbeddedFile[] _files;
    private readonly List<int> _missing = [];
    private Dictionary<string, EmbeddedFile> _before = [];
    private UnfinishedRows? _part;

    private FolderEmbedding(FeatureExtractor extractor, ImageFolder folder, EmbeddingSettings settings, EmbeddingOutput output) =>
        (_extractor, _folder, _settings, _output, _files) = (extractor, folder, settings, output, [.. folder.Samples.Select(sample => EmbeddedFile.Of(folder, sample.Path))]);

    private delegate bool RowReader(int row, Span<float> values);

    /// <summary>Pictures in the folder.</summary>
    public int Total => _files.Length;

    /// <summary>Features that are still to be computed.</summary>
    public int Missing => _missing.Count;

    /// <summary>What was found of an earlier run, as a sentence; null for nothing.</summary>
    public string? Finding { get; private set; }

    private string PartPath => _output.Path + ".part";

    private string PartManifestPath => EmbeddingManifest.PathFor(PartPath);

    /// <summary>Looks for what there is of an earlier run and takes it over.</summary>
    /// <param name="extractor">Which features.</param>
    /// <param name="folder">The pictures.</param>
    /// <param name="settings">What the features depend on, of the same extractor.</param>
    /// <param name="output">The file to write, .npy or .safetensors.</param>
    /// <param name="restart">Forgets what there is of an earlier run.</param>
    /// <exception cref="ArgumentException">An unfinished run had other settings.</exception>
    /// <exception cref="InvalidDataException">A file beside the output is not what its name says.</exception>
    /// <exception cref="IOException">A file cannot be read or written; also when another run has it open.</exception>
    public static FolderEmbedding Open(FeatureExtractor extractor, ImageFolder folder, EmbeddingSettings settings, string output, bool restart = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(output);
        return Open(extractor, folder, settings, new FeatureOutput(output), restart);
    }

    /// <summary>As the other one, for features in any form.</summary>
    internal static FolderEmbedding Open(FeatureExtractor extractor, ImageFolder folder, EmbeddingSettings settings, EmbeddingOutput output, bool restart)
    {
        ArgumentNullException.ThrowIfNull(extractor);
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(settings);
        FolderEmbedding run = new(extractor, folder, settings, output);
        try
        {
            run.TakeOver(restart);
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Computes what is missing and completes the file.</summary>
    /// <param name="batch">Pictures at a time.</param>
    /// <param name="progress">Pictures done of those that were missing.</param>
    /// <param name="cancellationToken">Stops between batches; what was computed stays in the unfinished file.</param>
    /// <exception cref="InvalidDataException">No picture of the folder can be decoded.</exception>
    public EmbeddingResult Run(int batch = 32, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        int computed = 0;
        if (_part is { } part)
        {
            if (_missing.Count > 0)
                computed = Compute(part, batch, progress, cancellationToken);
            Complete(part);
        }

        return Result(computed);
    }

    /// <summary>Closes the unfinished file.</summary>
    public void Dispose() => _part?.Dispose();

    private int Compute(UnfinishedRows part, int batch, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        Dictionary<string, int> positions = _missing.ToDictionary(index => _folder.Samples[index].Path, StringComparer.Ordinal);
        int size = _settings.Preprocessing.Size, channels = _settings.Preprocessing.Channels, computed = 0;
        try
        {
            FolderPass.Run(
                _folder.Only(_missing), new EvaluationTransform(_settings.Preprocessing), batch, _extractor.Width,
                (pixels, count, rows) => _extractor.Extract(pixels, [count, channels, size, size], rows),
                (index, row) =>
                {
                    part.Write(_missing[index], row);
                    computed++;
                },
                skipped => _files[positions[skipped.Path]] = _files[positions[skipped.Path]] with { Skipped = skipped.Reason, Again = skipped.MayPass },
                progress, cancellationToken);
        }
        catch (InvalidDataException)
        {
            // What was missing is all unusable; that ends the run unless there are features of others. Not a filter: it would look before the threads have said all.
            if (Array.TrueForAll(_files, file => file.Skipped is not null))
                throw;
        }

        return computed;
    }

    /// <summary>The unfinished file goes last: as long as it is there, this can be done again.</summary>
    private void Complete(UnfinishedRows part)
    {
        _output.Save(Manifest(completed: true), part);
        part.Dispose();
        _part = null;
        RemovePart();
    }

    private EmbeddingResult Result(int computed)
    {
        int count = 0, added = 0, changed = 0;
        foreach (EmbeddedFile file in _files.Where(file => file.Skipped is null))
        {
            count++;
            if (!_before.TryGetValue(file.Path, out EmbeddedFile? before))
                added++;
            else if (!before.IsSameFile(file))
                changed++;
        }

        SkippedPicture[] skipped = [.. _folder.Samples.Zip(_files).Where(pair => pair.Second.Skipped is not null).Select(pair => new SkippedPicture(pair.First.Path, pair.Second.Skipped!))];
        return new EmbeddingResult(count, _extractor.Width, computed, skipped) { Added = added, Changed = changed, Removed = _before.Count - (count - added) };
    }

    private void TakeOver(bool restart)
    {
        EmbeddingManifest? complete = _output.Find(_settings, restart, out string? finding);
        EmbeddingManifest? unfinished = !restart && File.Exists(PartPath) ? EmbeddingManifest.TryLoad(PartManifestPath) : null;
        if (unfinished is not null && _settings.DifferencesTo(unfinished.Settings) is { Count: > 0 } differences)
            throw new ArgumentException($"{PartPath} holds features of an unfinished run with other settings; what differs: {string.Join(", ", differences)}. Give the settings of that run to continue it, or begin anew with --restart.");
        Finding = finding;
        try
        {
            if (complete is not null)
                _before = complete.Files.Where(file => file.Skipped is null).ToDictionary(file => file.Path, StringComparer.Ordinal);
            if (unfinished is not null)
                Continue(unfinished);
            else if (complete is not null)
                Update(complete);
            else
                Begin();
        }
        catch (InvalidDataException error)
        {
            Finding = $"computed anew: {error.Message}";
            Begin();
        }
    }

    /// <summary>Goes on with an unfinished run.</summary>
    private void Continue(EmbeddingManifest earlier)
    {
        UnfinishedRows rows = UnfinishedRows.Open(PartPath, earlier.Files.Count, _extractor.Width);
        if (IsOfSameFolder(earlier))
        {
            _part = rows;
            TakeSkipped(earlier);
            FindMissing(rows);
            Finding = $"{Total - Missing} of {Total} features are there already";
            return;
        }

        int taken;
        using (rows)
            taken = Reuse(earlier.Files.Index(), rows.TryRead);
        Publish();
        Finding = TakenOver(taken);
    }

    /// <summary>Brings a complete file up to date, of which nothing is touched yet.</summary>
    private void Update(EmbeddingManifest earlier)
    {
        int taken;
        using (MatrixFile rows = _output.OpenRows(earlier))
        {
            if (rows.Columns != _extractor.Width)
                throw new InvalidDataException($"the features of {_output.Path} are {rows.Columns} wide, those of the network {_extractor.Width}.");
            if (IsOfSameFolder(earlier))
            {
                TakeSkipped(earlier);
                RemovePart();
                Finding = $"the features of all {Total} pictures are there already";
                return;
            }

            int row = 0;
            taken = Reuse(earlier.Files.Select(file => (file.Skipped is null ? row++ : -1, file)), (index, values) =>
            {
                rows.Read(index, values);
                return true;
            });
        }

        Publish();
        Finding = TakenOver(taken);
    }

    /// <summary>Begins with nothing.</summary>
    private void Begin()
    {
        Reuse([], (_, _) => false);
        Publish();
    }

    /// <summary>Prepares a new unfinished file with the rows of pictures that are as they were.</summary>
    /// <returns>How many those are.</returns>
    private int Reuse(IEnumerable<(int Row, EmbeddedFile File)> earlier, RowReader read)
    {
        Dictionary<string, (int Row, EmbeddedFile File)> known = earlier.ToDictionary(item => item.File.Path, StringComparer.Ordinal);
        using UnfinishedRows part = UnfinishedRows.Create(PartPath + ".tmp", Total, _extractor.Width);
        float[] buffer = new float[_extractor.Width];
        int taken = 0;
        for (int index = 0; index < Total; index++)
        {
            _files[index] = _files[index] with { Skipped = null, Again = false };
            if (!known.TryGetValue(_files[index].Path, out (int Row, EmbeddedFile File) found) || !found.File.IsSameFile(_files[index]))
                continue;
            if (!found.File.Again)
                _files[index] = _files[index] with { Skipped = found.File.Skipped };
            if (found.File.Skipped is not null || !read(found.Row, buffer))
                continue;
            part.Write(index, buffer);
            taken++;
        }

        return taken;
    }

    /// <summary>Puts the new unfinished file in the place of an older one.</summary>
    private void Publish()
    {
        // The description comes before what it describes: without it rows would be of unknown settings. What an older one described is gone first: a kill
        // between these lines costs work and mixes nothing.
        File.Delete(PartPath);
        Manifest(completed: false).Save(PartManifestPath);
        File.Move(PartPath + ".tmp", PartPath, overwrite: true);
        _part = UnfinishedRows.Open(PartPath, Total, _extractor.Width);
        FindMissing(_part);
    }

    private void RemovePart()
    {
        File.Delete(PartPath);
        File.Delete(PartManifestPath);
    }

    private bool IsOfSameFolder(EmbeddingManifest earlier) => earlier.Files.Count == Total && earlier.Files.Zip(_files).All(pair => pair.First.IsSameFile(pair.Second) && !pair.First.Again);

    private void TakeSkipped(EmbeddingManifest earlier)
    {
        foreach ((int index, EmbeddedFile file) in earlier.Files.Index())
            _files[index] = _files[index] with { Skipped = file.Skipped };
    }

    private void FindMissing(UnfinishedRows part)
    {
        _missing.Clear();
        _missing.AddRange(Enumerable.Range(0, Total).Where(index => _files[index].Skipped is null && !part.Has(index)));
    }

    private string TakenOver(int taken) => $"the pictures have changed: {taken} of {Total} features are taken over";

    private EmbeddingManifest Manifest(bool completed) =>
        new(EmbeddingManifest.CurrentFormat, completed, completed ? _files.Count(file => file.Skipped is null) : 0, _extractor.Width, _settings, _folder.Path, _files);
}
