using System.Text;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Embedding;

/// <summary>
/// Writes the features of a folder of pictures to a file, in memory that does not grow with their number. It can be stopped at any time, also without notice: the next one
/// with the same settings goes on. Features of pictures that have not changed since an earlier run are taken over.
/// </summary>
/// <remarks>
/// For <c>features.npy</c> (or .safetensors) there are <c>features.npy.json</c>, the <see cref="EmbeddingManifest"/>; <c>features.txt</c>, the path of each row; and until it is complete
/// <c>features.npy.part</c>, with a row for every picture, zeros where there is none yet.
/// </remarks>
public sealed class FolderEmbedding : IDisposable
{
    private const string TensorName = "features";

    private readonly FeatureExtractor _extractor;
    private readonly ImageFolder _folder;
    private readonly EmbeddingSettings _settings;
    private readonly EmbeddedFile[] _files;
    private readonly string _output;
    private readonly List<int> _missing = [];
    private MatrixFile? _part;

    private FolderEmbedding(FeatureExtractor extractor, ImageFolder folder, EmbeddingSettings settings, string output) =>
        (_extractor, _folder, _settings, _output, _files) = (extractor, folder, settings, output, [.. folder.Samples.Select(sample => Describe(folder, sample.Path))]);

    /// <summary>Pictures in the folder.</summary>
    public int Total => _files.Length;

    /// <summary>Features that are still to be computed.</summary>
    public int Missing => _missing.Count;

    /// <summary>What was found of an earlier run, as a sentence; null for nothing.</summary>
    public string? Finding { get; private set; }

    private string PartPath => _output + ".part";

    private string? Tensor => Path.GetExtension(_output).Equals(".safetensors", StringComparison.OrdinalIgnoreCase) ? TensorName : null;

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
        ArgumentNullException.ThrowIfNull(extractor);
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentException.ThrowIfNullOrEmpty(output);
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

        return new EmbeddingResult(_files.Count(file => file.Skipped is null), _extractor.Width, computed, [.. _folder.Samples.Index().Where(item => _files[item.Index].Skipped is not null).Select(item => new SkippedPicture(item.Item.Path, _files[item.Index].Skipped!))]);
    }

    /// <summary>Closes the unfinished file.</summary>
    public void Dispose() => _part?.Dispose();

    private int Compute(MatrixFile part, int batch, IProgress<int>? progress, CancellationToken cancellationToken)
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
    private void Complete(MatrixFile part)
    {
        int[] kept = [.. Enumerable.Range(0, Total).Where(index => _files[index].Skipped is null)];
        Manifest(completed: true, kept.Length).Save(EmbeddingManifest.PathFor(_output));
        AtomicFile.WriteLines(Path.ChangeExtension(_output, ".txt"), kept.Select(index => _folder.Samples[index].Path));
        if (kept.Length < Total)
            Condense(part, kept);
        else
            part.Flush();
        part.Dispose();
        _part = null;
        if (kept.Length == Total)
            File.Move(PartPath, _output, overwrite: true);
        else
            File.Delete(PartPath);
    }

    /// <summary>The rows that there are, without gaps.</summary>
    private void Condense(MatrixFile part, int[] kept)
    {
        string temporary = PartPath + ".tmp";
        using (MatrixFile dense = MatrixFile.Create(temporary, kept.Length, part.Columns, Tensor))
        {
            float[] row = new float[part.Columns];
            for (int i = 0; i < kept.Length; i++)
            {
                part.Read(kept[i], row);
                dense.Write(i, row);
            }

            dense.Flush();
        }

        File.Move(temporary, _output, overwrite: true);
    }

    private void TakeOver(bool restart)
    {
        EmbeddingManifest? earlier = restart ? null : EmbeddingManifest.TryLoad(EmbeddingManifest.PathFor(_output));
        bool isUnfinished = !restart && File.Exists(PartPath);
        if (earlier is null || !(isUnfinished || (earlier.Completed && File.Exists(_output))))
        {
            Begin(null, null);
            return;
        }

        if (_settings.DifferencesTo(earlier.Settings) is { Count: > 0 } differences)
        {
            string changes = string.Join(", ", differences);
            if (isUnfinished)
                throw new ArgumentException($"{PartPath} holds features of an unfinished run with other settings; what differs: {changes}. Give the settings of that run to continue it, or begin anew with --restart.");
            Finding = $"{_output} is computed anew; what differs: {changes}";
            Begin(null, null);
            return;
        }

        try
        {
            TakeOver(earlier, isUnfinished);
        }
        catch (InvalidDataException error)
        {
            Finding = $"computed anew: {error.Message}";
            Begin(null, null);
        }
    }

    private void TakeOver(EmbeddingManifest earlier, bool isUnfinished)
    {
        bool isSameFolder = earlier.Files.Count == Total && earlier.Files.Zip(_files).All(pair => pair.First.IsSameFile(pair.Second) && !pair.First.Again);
        if (!isSameFolder)
        {
            Reuse(earlier, isUnfinished);
            return;
        }

        foreach ((int index, EmbeddedFile file) in earlier.Files.Index())
            _files[index] = _files[index] with { Skipped = file.Skipped };
        if (isUnfinished)
            Continue();
        else
            Accept(earlier);
    }

    private void Continue()
    {
        _part = MatrixFile.Open(PartPath, Total, _extractor.Width, Tensor, isWritten: true);
        FindMissing(_part);
        Finding = $"{Total - Missing} of {Total} features are there already";
    }

    /// <summary>A complete file of the same pictures.</summary>
    private void Accept(EmbeddingManifest earlier)
    {
        MatrixFile.Open(_output, earlier.Count, _extractor.Width, Tensor).Dispose();
        Finding = $"the features of all {Total} pictures are there already";
    }

    /// <summary>Takes over the rows of pictures that are as they were.</summary>
    private void Reuse(EmbeddingManifest earlier, bool isUnfinished)
    {
        Dictionary<string, (EmbeddedFile File, int Row)> known = new(StringComparer.Ordinal);
        int row = 0;
        foreach ((int index, EmbeddedFile file) in earlier.Files.Index())
            known[file.Path] = (file, isUnfinished ? index : file.Skipped is null ? row++ : -1);
        string from = isUnfinished ? PartPath : _output;
        int taken;
        using (MatrixFile rows = MatrixFile.Open(from, isUnfinished ? earlier.Files.Count : earlier.Count, _extractor.Width, Tensor))
            taken = Begin(rows, known);
        Finding = $"the pictures have changed: {taken} of {Total} features are taken over";
    }

    /// <summary>A new unfinished file, with the rows that are known.</summary>
    /// <returns>How many those are.</returns>
    private int Begin(MatrixFile? rows, Dictionary<string, (EmbeddedFile File, int Row)>? known)
    {
        string temporary = PartPath + ".tmp";
        int taken = 0;
        _missing.Clear();
        for (int index = 0; index < Total; index++)
            _files[index] = _files[index] with { Skipped = null, Again = false };
        using (MatrixFile part = MatrixFile.Create(temporary, Total, _extractor.Width, Tensor))
        {
            float[] buffer = new float[_extractor.Width];
            for (int index = 0; index < Total && rows is not null; index++)
            {
                if (!known!.TryGetValue(_files[index].Path, out (EmbeddedFile File, int Row) found) || !found.File.IsSameFile(_files[index]))
                    continue;
                if (!found.File.Again)
                    _files[index] = _files[index] with { Skipped = found.File.Skipped };
                if (found.File.Skipped is not null || !rows.IsWritten(found.Row, buffer))
                    continue;
                rows.Read(found.Row, buffer);
                part.Write(index, buffer);
                taken++;
            }
        }

        // The description comes before what it describes: without it rows would be of unknown settings. What an older one described is gone first: a kill
        // between these lines costs work and mixes nothing.
        rows?.Dispose();
        File.Delete(PartPath);
        Manifest(completed: false, 0).Save(EmbeddingManifest.PathFor(_output));
        File.Move(temporary, PartPath, overwrite: true);
        _part = MatrixFile.Open(PartPath, Total, _extractor.Width, Tensor, isWritten: true);
        FindMissing(_part);
        return taken;
    }

    private void FindMissing(MatrixFile part)
    {
        float[] buffer = new float[part.Columns];
        _missing.AddRange(Enumerable.Range(0, Total).Where(index => _files[index].Skipped is null && !part.IsWritten(index, buffer)));
    }

    private EmbeddingManifest Manifest(bool completed, int count) => new(EmbeddingManifest.CurrentFormat, completed, count, _extractor.Width, _settings, _folder.Path, _files);

    private static EmbeddedFile Describe(ImageFolder folder, string path)
    {
        FileInfo file = new(path);
        return new EmbeddedFile(Path.GetRelativePath(folder.Path, path).Replace('\\', '/'), file.Length, file.LastWriteTimeUtc);
    }
}
