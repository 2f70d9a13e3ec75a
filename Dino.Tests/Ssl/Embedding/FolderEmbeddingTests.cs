using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>The features of a folder on disk: what was computed once is not computed again, and nothing that has changed is believed.</summary>
public sealed class FolderEmbeddingTests : IDisposable
{
    private const int Width = 48;
    private readonly TinyModels _models = new();
    private readonly CpuDevice _device = new(1);
    private readonly LoadedModel _model;

    public FolderEmbeddingTests() => _model = ModelFile.Load(_models.Transformer, _device, new ModelLoadOptions { Format = WeightFormat.F32 });

    private string Output => _models.Path("features.npy");

    [Theory]
    [InlineData(".npy")]
    [InlineData(".safetensors")]
    public void The_file_holds_the_features_of_the_folder(string ending)
    {
        string output = _models.Path($"features{ending}");
        EmbeddingResult result = Run(output);
        Assert.Equal((20, Width, 20), (result.Count, result.Width, result.Computed));
        FeatureSet expected = FeatureSet.OfModel(_model, ImageFolder.Open(_models.Pictures));
        using SafetensorsFile? file = ending == ".npy" ? null : SafetensorsFile.Open(output);
        Assert.Equal(expected.Values, file is null ? NpyArray.Load(output).ToArray<float>() : file.ReadSingles("features"));
        Assert.Equal(expected.Paths, File.ReadAllLines(_models.Path("features.txt")));
        EmbeddingManifest manifest = EmbeddingManifest.TryLoad(EmbeddingManifest.PathFor(output))!;
        Assert.Equal((true, 20, Width), (manifest.Completed, manifest.Count, manifest.Width));
        Assert.Equal(expected.Paths, manifest.Files.Select(picture => Path.Combine(manifest.Folder, picture.Path)));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public void A_stopped_run_goes_on_where_it_stopped()
    {
        byte[] whole = Whole();
        Assert.Equal(8, Stop(after: 8));
        Assert.False(File.Exists(Output));
        using (FolderEmbedding run = Open())
        {
            Assert.Equal("8 of 20 features are there already", run.Finding);
            Assert.Equal(12, run.Run().Computed);
        }

        Assert.Equal(whole, File.ReadAllBytes(Output));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public void A_repeated_run_computes_nothing()
    {
        Run();
        DateTime written = File.GetLastWriteTimeUtc(Output);
        using FolderEmbedding run = Open();
        Assert.Equal("the features of all 20 pictures are there already", run.Finding);
        EmbeddingResult result = run.Run();
        Assert.Equal((20, 0), (result.Count, result.Computed));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Output));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_pictures_that_changed_are_computed_again(bool isUnfinished)
    {
        if (isUnfinished)
            Stop(after: 8);
        else
            Run();
        string first = _models.Paths[0], added = Path.Combine(Path.GetDirectoryName(_models.Paths[4])!, "zz.png");
        File.Delete(_models.Paths[1]);
        File.Copy(_models.Paths[7], added);
        File.Copy(_models.Paths[9], first, overwrite: true);
        File.SetLastWriteTimeUtc(first, new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        int known = isUnfinished ? 6 : 18;
        using (FolderEmbedding run = Open())
        {
            Assert.Equal($"the pictures have changed: {known} of 20 features are taken over", run.Finding);
            Assert.Equal(20 - known, run.Run().Computed);
        }

        Assert.Equal(FeatureSet.OfModel(_model, ImageFolder.Open(_models.Pictures)).Values, NpyArray.Load(Output).ToArray<float>());
    }

    [Fact]
    public void An_unusable_picture_has_no_row_and_is_not_tried_again_before_it_changes()
    {
        string bad = _models.Paths[2];
        byte[] good = File.ReadAllBytes(bad);
        File.WriteAllBytes(bad, good[..60]);
        EmbeddingResult result = Run(), again = Run();
        Assert.Equal((19, 19), (result.Count, result.Computed));
        Assert.Equal((19, 0), (again.Count, again.Computed));
        Assert.Equal(bad, Assert.Single(result.Skipped).Path);
        Assert.Equal(result.Skipped, again.Skipped);
        Assert.Equal([19, Width], NpyArray.Load(Output).Shape);
        Assert.DoesNotContain(bad, File.ReadAllLines(_models.Path("features.txt")));
        Assert.Empty(Leftovers());

        File.WriteAllBytes(bad, good);
        EmbeddingResult mended = Run();
        Assert.Equal((20, 1), (mended.Count, mended.Computed));
        Assert.Empty(mended.Skipped);
        Assert.Equal(FeatureSet.OfModel(_model, ImageFolder.Open(_models.Pictures)).Values, NpyArray.Load(Output).ToArray<float>());
    }

    [Fact]
    public void What_is_left_may_be_unusable_altogether()
    {
        Stop(after: 19);
        File.WriteAllBytes(_models.Paths[19], [1, 2, 3]);
        EmbeddingResult result = Run();
        Assert.Equal((19, 0, 1), (result.Count, result.Computed, result.Skipped.Count));
        foreach (string path in _models.Paths)
            File.WriteAllBytes(path, [1, 2, 3]);
        Assert.Throws<InvalidDataException>(() => Run());
    }

    [Fact]
    public void Other_settings_are_said_and_computed_anew()
    {
        Run();
        FeatureExtractor other = new(_model, FeatureKind.LastBlocks, normalize: false, blocks: 2);
        using (FolderEmbedding run = Open(extractor: other, preprocessing: _model.Preprocessing.At(40)))
        {
            Assert.StartsWith($"{Output} is computed anew; what differs: the preprocessing (", run.Finding, StringComparison.Ordinal);
            Assert.EndsWith("), the feature (Cls, now LastBlocks), the number of blocks (1, now 2), the normalisation (L2, now none)", run.Finding, StringComparison.Ordinal);
            Assert.Equal(20, run.Run().Computed);
        }

        Assert.Equal([20, 2 * Width], NpyArray.Load(Output).Shape);
    }

    [Fact]
    public void An_unfinished_run_with_other_settings_is_not_thrown_away_unasked()
    {
        Stop(after: 8);
        FeatureExtractor raw = new(_model, normalize: false);
        ArgumentException error = Assert.Throws<ArgumentException>(() => Open(extractor: raw).Dispose());
        Assert.Contains("what differs: the normalisation (L2, now none).", error.Message, StringComparison.Ordinal);
        Assert.Contains("--restart", error.Message, StringComparison.Ordinal);
        using (FolderEmbedding run = Open())
            Assert.Equal(12, run.Missing);
        using FolderEmbedding anew = Open(extractor: raw, restart: true);
        Assert.Equal((20, null), (anew.Missing, anew.Finding));
    }

    [Fact]
    public void Another_model_is_told_by_its_content()
    {
        Run();
        EmbeddingSettings settings = Settings(new FeatureExtractor(_model), _model.Preprocessing);
        Assert.Empty(settings.DifferencesTo(settings with { Model = "renamed.safetensors" }));
        string same = Assert.Single(settings.DifferencesTo(settings with { Fingerprint = "0" }));
        Assert.Equal($"the content of {_models.Transformer}", same);
        Assert.Equal($"the model (a.safetensors, now {_models.Transformer})", Assert.Single(settings.DifferencesTo(settings with { Fingerprint = "0", Model = "a.safetensors" })));
        Assert.Equal(ModelFingerprint.Of(_models.Transformer), settings.Fingerprint);
        Assert.NotEqual(ModelFingerprint.Of(_models.Rotary), settings.Fingerprint);
    }

    /// <summary>As a kill leaves it between any two lines of completion.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_run_that_was_killed_while_it_completed_can_be_completed(bool hasFeatures, bool hasManifest)
    {
        byte[] whole = Whole();
        Stop(after: 20);
        (string Path, byte[] Bytes)[] part = [.. Leftovers().Select(path => (path, File.ReadAllBytes(path)))];
        Assert.Equal(2, part.Length);
        Run();
        if (!hasFeatures)
            File.Delete(Output);
        if (!hasManifest)
            File.Delete(EmbeddingManifest.PathFor(Output));
        foreach ((string path, byte[] bytes) in part)
            File.WriteAllBytes(path, bytes);
        Assert.Equal((20, 0), (Run().Count, Run().Computed));
        Assert.Equal(whole, File.ReadAllBytes(Output));
        Assert.Empty(Leftovers());
    }

    /// <summary>A loss of power may leave any part of what was written last.</summary>
    [Theory]
    [InlineData(0, 4)]
    [InlineData(4, Width - 4)]
    [InlineData(Width - 1, 1)]
    [InlineData(Width, 1)]
    public void A_row_that_was_torn_is_computed_again(int first, int count)
    {
        byte[] whole = Whole();
        Stop(after: 8);
        using (FileStream part = new(Output + ".part", FileMode.Open))
        {
            // The rows are the end of the file, each with its checksum behind it.
            part.Position = part.Length - ((20 - 3) * (Width + 1) * sizeof(float)) + (first * sizeof(float));
            part.Write(new byte[count * sizeof(float)]);
        }

        using (FolderEmbedding run = Open())
            Assert.Equal(("7 of 20 features are there already", 13), (run.Finding, run.Run().Computed));
        Assert.Equal(whole, File.ReadAllBytes(Output));
    }

    [Fact]
    public void Earlier_features_stay_valid_until_new_ones_are_complete()
    {
        Run();
        string names = _models.Path("features.txt"), description = EmbeddingManifest.PathFor(Output);
        byte[][] before = [.. ((string[])[Output, names, description]).Select(File.ReadAllBytes)];
        File.Delete(_models.Paths[1]);
        File.SetLastWriteTimeUtc(_models.Paths[0], new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        File.SetLastWriteTimeUtc(_models.Paths[2], new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        Assert.Equal(1, Stop(after: 1));
        Assert.Equal(before, ((string[])[Output, names, description]).Select(File.ReadAllBytes));
        EmbeddingResult result = Run();
        Assert.Equal((19, 1, 0, 2, 1, 17), (result.Count, result.Computed, result.Added, result.Changed, result.Removed, result.Kept));
        Assert.Equal(FeatureSet.OfModel(_model, ImageFolder.Open(_models.Pictures)).Values, NpyArray.Load(Output).ToArray<float>());
    }

    /// <summary>As a kill leaves it between the end of an old unfinished file and the beginning of a new one.</summary>
    [Fact]
    public void A_description_without_its_unfinished_file_is_not_continued()
    {
        Stop(after: 8);
        File.Delete(Output + ".part");
        using FolderEmbedding run = Open();
        Assert.Equal(20, run.Missing);
    }

    [Fact]
    public void A_picture_that_cannot_be_read_for_a_while_is_tried_again()
    {
        byte[] whole = Whole();
        string picture = ImageFolder.Open(_models.Pictures).Samples[3].Path;
        using (FileStream held = new(picture, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Equal(19, Run().Count);
        EmbeddingResult again = Run();
        Assert.Equal((20, 1), (again.Count, again.Computed));
        Assert.Equal(whole, File.ReadAllBytes(Output));
        Assert.Equal(0, Run().Computed);
    }

    [Fact]
    public void Files_that_are_not_what_they_should_be_are_not_believed()
    {
        Stop(after: 8);
        File.WriteAllText(Output + ".part", "cut");
        using (FolderEmbedding run = Open())
        {
            Assert.StartsWith("computed anew: ", run.Finding, StringComparison.Ordinal);
            Assert.Equal(20, run.Missing);
            // Two at once would write over each other.
            Assert.Throws<IOException>(() => Open().Dispose());
        }

        File.WriteAllText(EmbeddingManifest.PathFor(Output), """{"mine": 1}""");
        Assert.Contains("is in the way", Assert.Throws<InvalidDataException>(() => Open().Dispose()).Message, StringComparison.Ordinal);
        Assert.Equal("""{"mine": 1}""", File.ReadAllText(EmbeddingManifest.PathFor(Output)));
    }

    public void Dispose()
    {
        _model.Dispose();
        _device.Dispose();
        _models.Dispose();
    }

    private FolderEmbedding Open(string? output = null, FeatureExtractor? extractor = null, Preprocessing? preprocessing = null, bool restart = false)
    {
        extractor ??= new FeatureExtractor(_model);
        return FolderEmbedding.Open(extractor, ImageFolder.Open(_models.Pictures), Settings(extractor, preprocessing ?? _model.Preprocessing), output ?? Output, restart);
    }

    private EmbeddingSettings Settings(FeatureExtractor extractor, Preprocessing preprocessing) => EmbeddingSettings.Of(_model, _models.Transformer, extractor, preprocessing);

    private EmbeddingResult Run(string? output = null)
    {
        using FolderEmbedding run = Open(output);
        return run.Run(batch: 8);
    }

    /// <summary>The file of a run without a pause, elsewhere.</summary>
    private byte[] Whole()
    {
        Run(_models.Path("whole.npy"));
        return File.ReadAllBytes(_models.Path("whole.npy"));
    }

    private int Stop(int after)
    {
        using CancellationTokenSource cancellation = new();
        using FolderEmbedding run = Open();
        int done = 0;
        Assert.Throws<OperationCanceledException>(() => run.Run(batch: 1, new Watcher(value =>
        {
            done = value;
            if (value == after)
                cancellation.Cancel();
        }), cancellation.Token));
        return done;
    }

    private IEnumerable<string> Leftovers() => Directory.EnumerateFiles(_models.Path()).Where(path => path.Contains(".part", StringComparison.Ordinal) || path.EndsWith(".tmp", StringComparison.Ordinal));

    private sealed class Watcher(Action<int> watch) : IProgress<int>
    {
        public void Report(int value) => watch(value);
    }
}
