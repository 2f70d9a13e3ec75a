using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
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

    private IndexOrigin Origin => new("/weights.safetensors", null, new string('a', 64), "{}", _model.Preprocessing);

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
        _pictures.Dispose();
    }

    [Fact]
    public void Every_picture_finds_itself_first_and_then_what_is_nearest()
    {
        Assert.Equal(new IndexUpdate(Count, Count, 0, 0, 0, []), Update() with { Skipped = [] });
        FeatureSet features = FeatureSet.OfModel(_model, _pictures.Folder);
        using FeatureIndex index = FeatureIndex.Open(File, CpuDevice.Shared);
        Assert.Equal((Count, 32, Origin, _pictures.Root), (index.Pictures.Count, index.Width, index.Origin, index.Folder));
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
        List<RetrievalProgress> steps = [];
        IndexUpdate update = new FeatureIndexBuilder(_model, Origin) { Batch = 1 }.Update(File, _pictures.Folder, new Listener(steps));
        Assert.Equal(new IndexUpdate(Count, 1, 1, 1, Count - 2, []), update with { Skipped = [] });
        Assert.Equal([new("pictures", 1, 2), new("pictures", 2, 2)], steps);

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
        Assert.Equal(new IndexUpdate(Count, 0, 0, 0, Count, []), Update() with { Skipped = [] });
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void A_new_picture_that_cannot_be_read_is_left_out_and_one_that_no_longer_can_leaves()
    {
        Update();
        System.IO.File.WriteAllText(_pictures.Path("bad.png"), "no picture");
        IndexUpdate update = Update();
        Assert.Equal((Count, 0, 0, Count), (update.Count, update.Added, update.Removed, update.Kept));
        Assert.Equal(_pictures.Path("bad.png"), Assert.Single(update.Skipped).Path);
        System.IO.File.WriteAllText(_pictures.Path("4.png"), "");
        update = Update();
        Assert.Equal((Count - 1, 1, 2), (update.Count, update.Removed, update.Skipped.Count));
    }

    [Fact]
    public void Features_of_another_origin_are_refused_and_nothing_is_overwritten()
    {
        Update();
        byte[] before = System.IO.File.ReadAllBytes(File);
        (IndexOrigin Origin, string Word)[] others =
        [
            (Origin with { Fingerprint = new string('b', 64) }, "other weights"),
            (Origin with { Key = "student" }, "student"),
            (Origin with { Architecture = """{"heads":1}""" }, "heads"),
            (Origin with { Preprocessing = Origin.Preprocessing.At(16) }, "cropped to 32"),
            (Origin with { Feature = "patches" }, "patches"),
        ];
        foreach ((IndexOrigin other, string word) in others)
            Assert.Contains(word, Assert.Throws<InvalidDataException>(() => new FeatureIndexBuilder(_model, other).Update(File, _pictures.Folder)).Message, StringComparison.Ordinal);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
        Assert.Equal(Count, new FeatureIndexBuilder(_model, Origin with { Weights = "/elsewhere" }).Update(File, _pictures.Folder).Kept);

        SafetensorsWriter writer = new();
        writer.Add("features", [1, 1], new float[] { 1 });
        writer.Save(_files.Path("other.safetensors"));
        Assert.Contains("no index", Assert.Throws<InvalidDataException>(() => new FeatureIndexBuilder(_model, Origin).Update(_files.Path("other.safetensors"), _pictures.Folder)).Message, StringComparison.Ordinal);
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

        foreach ((string key, string value) in ((string, string)[])[("origin", "{}"), ("origin", "no json")])
        {
            SafetensorsWriter writer = new();
            writer.Metadata["format"] = "dino-index-1";
            writer.Metadata["folder"] = "/";
            writer.Metadata[key] = value;
            writer.Add("features", [1, 1], new float[] { 1 });
            writer.Save(File);
            Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => FeatureIndex.Open(File, CpuDevice.Shared)).Message, StringComparison.Ordinal);
        }
    }

    private IndexUpdate Update() => new FeatureIndexBuilder(_model, Origin).Update(File, _pictures.Folder);

    private sealed class Listener(List<RetrievalProgress> steps) : IProgress<RetrievalProgress>
    {
        public void Report(RetrievalProgress value) => steps.Add(value);
    }
}
