using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Retrieval;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl.Retrieval;

/// <summary>An index finds what it holds, follows its folder, and takes no features of others.</summary>
public sealed class FeatureIndexTests : IDisposable
{
    private const int Count = 25;

    private readonly PlantedPictures _pictures = new(Count);
    private readonly TemporaryFolder _files = new();
    private readonly LoadedModel _model = ModelFile.Untrained(new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 32, Depth = 2, Heads = 2 }, CpuDevice.Shared, seed: 4);

    private string File => _files.Path("index.safetensors");

    private EmbeddingSettings Settings => new()
    {
        Model = "/weights.safetensors",
        Fingerprint = new string('a', 16),
        Network = "a network",
        Precision = "fp32",
        Device = "cpu",
        Preprocessing = _model.Preprocessing,
        Feature = FeatureKind.Cls,
        Normalized = true,
    };

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
        _pictures.Dispose();
    }

    [Fact]
    public void Every_picture_finds_itself_first_and_then_what_is_nearest()
    {
        AssertResult(Update(), added: Count, changed: 0, removed: 0, kept: 0, computed: Count);
        FeatureSet features = FeatureSet.OfModel(_model, _pictures.Folder);
        using FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared);
        Assert.Equal((Count, 32, Settings, _pictures.Root), (index.Pictures.Count, index.Width, index.Settings, index.Folder));
        for (int i = 0; i < Count; i++)
        {
            float[] query = features.Values[(i * 32)..((i + 1) * 32)];
            SearchHit[] hits = index.Search([.. query.Select(value => 3 * value)], Count + 5);
            Assert.Equal((i, features.Paths[i], Count), (hits[0].Index, index.FullPath(hits[0].Index), hits.Length));
            // Unit vectors of 32 floats: a few units in the last place.
            Assert.InRange(hits[0].Score, 1 - 1e-5f, 1);
            double[] expected = [.. Enumerable.Range(0, Count).Select(j => Enumerable.Range(0, 32).Sum(d => (double)query[d] * features.Values[(j * 32) + d])).OrderDescending()];
            for (int j = 0; j < Count; j++)
                Assert.Equal(expected[j], hits[j].Score, 1e-5);
            Assert.Equal(query, index.Feature(i));
        }
    }

    [Fact]
    public void An_update_computes_only_what_is_new_or_changed()
    {
        Update();
        using FeatureIndex open = FeatureIndex.Open(File, CpuDevice.Shared);
        _pictures.Save("deeper/new.png", PlantedPictures.Draw(100));
        System.IO.File.Delete(_pictures.Path("7.png"));
        _pictures.Save("3.png", PlantedPictures.Draw(101));
        System.IO.File.SetLastWriteTimeUtc(_pictures.Path("3.png"), new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        List<int> steps = [];
        using (FolderEmbedding run = Build())
            AssertResult(run.Run(batch: 1, new Listener(steps.Add)), added: 1, changed: 1, removed: 1, kept: Count - 2, computed: 2);
        Assert.Equal([1, 2], steps);

        FeatureSet fresh = FeatureSet.OfModel(_model, _pictures.Folder);
        using FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared);
        Assert.Equal(fresh.Paths, Enumerable.Range(0, Count).Select(index.FullPath));
        for (int i = 0; i < Count; i++)
        {
            // A batch of another size may be summed in another order.
            foreach ((float expected, float actual) in fresh.Values[(i * 32)..((i + 1) * 32)].Zip(index.Feature(i)))
                Assert.Equal(expected, actual, 1e-5f);
        }

        // The file was replaced, not rewritten: who had it open still sees the pictures of before.
        Assert.Equal("7.png", open.Search(open.Feature(open.Pictures.Index().First(item => item.Item.Path == "7.png").Index), 1)[0].Path);
        byte[] before = System.IO.File.ReadAllBytes(File);
        AssertResult(Update(), added: 0, changed: 0, removed: 0, kept: Count, computed: 0);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void A_stopped_call_goes_on_from_there_and_the_index_stays_as_it_was_until_it_is_complete()
    {
        Update();
        byte[] before = System.IO.File.ReadAllBytes(File);
        for (int i = 0; i < 6; i++)
            _pictures.Save($"new/{i}.png", PlantedPictures.Draw(200 + i));
        using (CancellationTokenSource cancellation = new())
        using (FolderEmbedding run = Build())
        {
            Assert.Equal((Count + 6, 6), (run.Total, run.Missing));
            Assert.Throws<OperationCanceledException>(() => run.Run(batch: 1, new Listener(done => Stop(cancellation, done == 4)), cancellation.Token));
        }

        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        using (FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared))
            Assert.Equal(Count, index.Pictures.Count);
        using (FolderEmbedding run = Build())
        {
            Assert.Equal(($"{Count + 4} of {Count + 6} features are there already", 2), (run.Finding, run.Missing));
            AssertResult(run.Run(), added: 6, changed: 0, removed: 0, kept: Count, computed: 2);
        }

        Assert.Equal([File], Directory.EnumerateFiles(_files.Path()));
        FeatureSet fresh = FeatureSet.OfModel(_model, _pictures.Folder);
        using FeatureIndex whole = FeatureIndex.Open(File, CpuDevice.Shared);
        Assert.Equal(fresh.Paths, Enumerable.Range(0, Count + 6).Select(whole.FullPath));

        static void Stop(CancellationTokenSource cancellation, bool now)
        {
            if (now)
                cancellation.Cancel();
        }
    }

    [Fact]
    public void A_new_picture_that_cannot_be_read_is_left_out_and_one_that_no_longer_can_leaves()
    {
        Update();
        System.IO.File.WriteAllText(_pictures.Path("bad.png"), "no picture");
        EmbeddingResult update = Update();
        AssertResult(update, added: 0, changed: 0, removed: 0, kept: Count, computed: 0);
        Assert.Equal(_pictures.Path("bad.png"), Assert.Single(update.Skipped).Path);
        // It has not changed: it is said again and not tried again, and the file is not written again.
        byte[] before = System.IO.File.ReadAllBytes(File);
        using (FolderEmbedding run = Build())
            Assert.Equal((0, update.Skipped[0]), (run.Missing, Assert.Single(run.Run().Skipped)));
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        System.IO.File.WriteAllText(_pictures.Path("4.png"), "");
        update = Update();
        Assert.Equal((Count - 1, 1, 2), (update.Count, update.Removed, update.Skipped.Count));
        using FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared);
        Assert.Equal(_pictures.Folder.Samples.Select(sample => sample.Path).Except([_pictures.Path("bad.png"), _pictures.Path("4.png")]), Enumerable.Range(0, Count - 1).Select(index.FullPath));
    }

    [Fact]
    public void A_picture_that_another_program_holds_is_tried_again()
    {
        using (FileStream held = new(_pictures.Path("4.png"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Equal((Count - 1, 1), (Update().Count, Update().Skipped.Count));
        AssertResult(Update(), added: 1, changed: 0, removed: 0, kept: Count - 1, computed: 1);
    }

    [Fact]
    public void Features_that_cannot_be_compared_are_refused_and_nothing_is_overwritten()
    {
        Update();
        byte[] before = System.IO.File.ReadAllBytes(File);
        (EmbeddingSettings Settings, string Word)[] others =
        [
            (Settings with { Fingerprint = new string('b', 16), Model = "/other.safetensors" }, "the model (/weights.safetensors, now /other.safetensors)"),
            (Settings with { Fingerprint = new string('b', 16) }, "the content of /weights.safetensors"),
            (Settings with { Key = "student" }, "the part of the checkpoint (the usual one, now student)"),
            (Settings with { Network = "another" }, "the architecture (a network, now another)"),
            (Settings with { Preprocessing = Settings.Preprocessing.At(16) }, "the preprocessing ("),
            (Settings with { Feature = FeatureKind.LastBlocks }, "the feature (Cls, now LastBlocks)"),
            (Settings with { Precision = "int8" }, "the precision (fp32, now int8)"),
        ];
        using (FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared))
        {
            foreach ((EmbeddingSettings other, string word) in others)
            {
                string message = Assert.Throws<InvalidDataException>(() => Build(other).Dispose()).Message;
                Assert.Contains(word, message, StringComparison.Ordinal);
                Assert.Equal(message, Assert.Throws<InvalidDataException>(() => index.Require(other)).Message);
            }
        }

        Assert.Throws<ArgumentException>(() => FeatureIndex.Build(new FeatureExtractor(_model, normalize: false), _pictures.Folder, Settings, File));
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        // Neither does the place of the weights matter, nor what computed them.
        foreach (EmbeddingSettings same in (EmbeddingSettings[])[Settings with { Model = "/elsewhere" }, Settings with { Device = "cuda:0", Precision = "tf32" }])
        {
            using FolderEmbedding run = Build(same);
            Assert.Equal(Count, run.Run().Kept);
        }
    }

    [Fact]
    public void Only_indexes_are_replaced_and_those_of_another_version_when_that_is_asked_for()
    {
        SafetensorsWriter writer = new();
        writer.Add("features", [1, 1], new float[] { 1 });
        writer.Save(_files.Path("other.safetensors"));
        foreach (bool restart in (bool[])[false, true])
            Assert.Contains("no index", Assert.Throws<InvalidDataException>(() => Build(path: _files.Path("other.safetensors"), restart: restart).Dispose()).Message, StringComparison.Ordinal);

        writer.Metadata["format"] = "dino-index-1";
        writer.Save(File);
        Assert.Contains("dino-index-1, not dino-index-2", Assert.Throws<InvalidDataException>(() => Build().Dispose()).Message, StringComparison.Ordinal);
        Assert.Contains("--restart", Assert.Throws<InvalidDataException>(() => FeatureIndex.Open(File, CpuDevice.Shared)).Message, StringComparison.Ordinal);
        using (FolderEmbedding run = Build(restart: true))
            Assert.Equal(Count, run.Run().Computed);
        Assert.Equal(0, Update().Computed);
    }

    [Fact]
    public void Damaged_indexes_and_queries_that_do_not_fit_are_refused()
    {
        Update();
        using (FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared))
        {
            Assert.Throws<ShapeMismatchException>(() => index.Search(new float[31]));
            Assert.Throws<ArgumentException>(() => index.Search(new float[32]));
            Assert.Throws<ArgumentException>(() => index.Search([float.NaN, .. new float[31]]));
            Assert.Throws<ArgumentOutOfRangeException>(() => index.Search(index.Feature(0), 0));
        }

        foreach ((string key, string value) in ((string, string)[])[("settings", "{}"), ("settings", "no json")])
        {
            SafetensorsWriter writer = new();
            writer.Metadata["format"] = "dino-index-2";
            writer.Metadata["folder"] = "/";
            writer.Metadata[key] = value;
            writer.Add("features", [1, 1], new float[] { 1 });
            writer.Save(File);
            Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => FeatureIndex.Open(File, CpuDevice.Shared)).Message, StringComparison.Ordinal);
        }
    }

    private FolderEmbedding Build(EmbeddingSettings? settings = null, string? path = null, bool restart = false) =>
        FeatureIndex.Build(new FeatureExtractor(_model), _pictures.Folder, settings ?? Settings, path ?? File, restart);

    private EmbeddingResult Update()
    {
        using FolderEmbedding run = Build();
        return run.Run();
    }

    private static void AssertResult(EmbeddingResult result, int added, int changed, int removed, int kept, int computed) =>
        Assert.Equal((added, changed, removed, kept, computed), (result.Added, result.Changed, result.Removed, result.Kept, result.Computed));

    private sealed class Listener(Action<int> listen) : IProgress<int>
    {
        public void Report(int value) => listen(value);
    }
}
