using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;
using Dino.Tests.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>Weights load from every format and layout they come in, and what was not used is said.</summary>
public sealed class ModelFileFormatsTests : IDisposable
{
    /// <summary>Two heads of 64: what can be read off the shapes of any DINO vision transformer.</summary>
    private static readonly VisionTransformerOptions Architecture = new() { ImageSize = 24, PatchSize = 8, Width = 128, Depth = 2, Heads = 2, MlpRatio = 2 };

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);
    private readonly DinoNetwork _network, _other;

    public ModelFileFormatsTests() => (_network, _other) = (Network(3), Network(4));

    public static TheoryData<string> Layouts => ["plain", "wrapped", "state_dict", "model", "nested", "teacher", "dotted teacher", "student only"];

    [Theory, MemberData(nameof(Layouts))]
    public void Every_layout_of_a_PyTorch_file_gives_the_backbone(string layout)
    {
        object? root = layout switch
        {
            "plain" => StateDicts.BackboneOf(_network),
            "wrapped" => StateDicts.Of(_network.Store, "module."),
            "state_dict" => StateDicts.Dictionary(("epoch", 3), ("state_dict", StateDicts.Of(_network.Store, "module.")), ("best_acc", 41.25)),
            "model" => StateDicts.Dictionary(("model", StateDicts.BackboneOf(_network, "backbone."))),
            "nested" => StateDicts.Dictionary(("state_dict", StateDicts.Dictionary([.. StateDicts.Of(_network.Store, "teacher."), .. StateDicts.Of(_other.Store, "student.")]))),
            "teacher" => StateDicts.Dictionary(("student", StateDicts.Of(_other.Store, "module.")), ("teacher", StateDicts.Of(_network.Store)), ("epoch", 1)),
            "dotted teacher" => StateDicts.Dictionary([.. StateDicts.Of(_other.Store, "student.module."), .. StateDicts.Of(_network.Store, "teacher.module.")]),
            _ => StateDicts.Dictionary(("student", StateDicts.Of(_network.Store, "module.")), ("epoch", 1)),
        };
        // The ending says nothing.
        string path = _folder.Path("weights.safetensors");
        TorchFiles.Write(path, root);
        AssertLoads(path);
    }

    [Fact]
    public void A_key_chooses_the_part_and_the_rest_is_reported()
    {
        string path = _folder.Path("checkpoint.pth");
        TorchFiles.Write(path, StateDicts.Dictionary(("student", StateDicts.Of(_network.Store, "module.")), ("teacher", StateDicts.Of(_other.Store)), ("epoch", 7)));
        using LoadedModel model = ModelFile.Load(path, _device, new() { Key = "student" });
        AssertSame(_network, model);
        Assert.Contains("student/module.head.last_layer.weight_v", model.LeftOut);
        Assert.Contains("teacher/backbone.cls_token", model.LeftOut);
        Assert.DoesNotContain("student/module.backbone.cls_token", model.LeftOut);
        Assert.Equal((2 * _network.Store.All.Count()) - model.Backbone.Store.All.Count(), model.LeftOut.Count);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ModelFile.Load(path, _device, new() { Key = "model" }));
        Assert.Contains("student, teacher", error.Message, StringComparison.Ordinal);
        TorchFiles.Write(path, StateDicts.BackboneOf(_network));
        Assert.Contains("Leave the key out", Assert.Throws<InvalidDataException>(() => ModelFile.Load(path, _device, new() { Key = "teacher" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_file_of_ours_knows_whose_weights_it_holds()
    {
        string path = _folder.Path("teacher.safetensors");
        ModelFile.Save(path, _network, TinyRun.Crops, "teacher");
        using (LoadedModel model = ModelFile.Load(path, _device, new() { Key = "teacher" }))
            AssertSame(_network, model);
        Assert.Throws<InvalidDataException>(() => ModelFile.Load(path, _device, new() { Key = "student" }));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Weights_in_an_archive_are_used_where_they_lie_if_they_are_stored_on_a_word(bool compress)
    {
        string path = _folder.Path("w.pth");
        TorchFiles.Write(path, StateDicts.BackboneOf(_network), compress);
        using LoadedModel model = ModelFile.Load(path, _device, new() { Mapped = true });
        AssertSame(_network, model);
        if (compress)
            Assert.False(model.Backbone.Store.Values.IsMapped);
    }

    [Fact]
    public void A_damaged_weight_is_noticed_before_it_is_used_where_it_lies()
    {
        string path = _folder.Path("w.pth");
        TorchFiles.Write(path, StateDicts.BackboneOf(_network));
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf(TorchFiles.Bytes(_network.Store["backbone.pos_embed"].Tensor.ToArray().AsSpan(5, 4)))] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("CRC-32", Assert.Throws<TorchFileException>(() => ModelFile.Load(path, _device)).Message, StringComparison.Ordinal);
        Assert.Contains("CRC-32", Assert.Throws<TorchFileException>(() => ModelFile.Load(path, _device, new() { Mapped = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_are_read_as_one_file()
    {
        string path = Shards();
        AssertLoads(path);
        using LoadedModel model = ModelFile.Load(path, _device, new() { Mapped = true });
        AssertSame(_network, model);
        using TensorShards shards = TensorShards.Open(path);
        Assert.Equal(2, shards.Files.Count);
        Assert.Equal("512", shards.Metadata["total_size"]);
    }

    [Theory]
    [InlineData("\"part-1.safetensors\"", "\"../part-1.safetensors\"", "beside the index")]
    [InlineData("\"part-1.safetensors\"", "\"/etc/passwd\"", "beside the index")]
    [InlineData("\"part-1.safetensors\"", "\"sub\\\\part\"", "beside the index")]
    [InlineData("\"part-1.safetensors\"", "\"..\"", "beside the index")]
    [InlineData("\"part-1.safetensors\"", "\"model.safetensors.index.json\"", "where an index has a shard")]
    [InlineData("\"part-1.safetensors\"", "7", "not the index")]
    [InlineData("cls_token", "other_token", "is missing in 'part-")]
    [InlineData("weight_map", "weights", "weight_map")]
    [InlineData("}", "", "not the index")]
    public void A_wrong_index_is_refused(string from, string to, string reason)
    {
        string path = Shards();
        File.WriteAllText(path, File.ReadAllText(path).Replace(from, to, StringComparison.Ordinal));
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TensorFile.Open(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_is_missing_is_named()
    {
        string path = Shards();
        File.Delete(_folder.Path("part-1.safetensors"));
        Assert.Contains("part-1.safetensors", Assert.Throws<FileNotFoundException>(() => TensorFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_file_holds_is_described_without_loading_it()
    {
        string path = _folder.Path("checkpoint.pth");
        TorchFiles.Write(path, StateDicts.Dictionary(("teacher", StateDicts.Of(_network.Store)), ("epoch", 7)));
        using TensorFile file = TensorFile.Open(path);
        ModelDescription description = ModelFile.Describe(file);
        Assert.Equal(("teacher", Architecture, null), (description.Part, description.Architecture, description.Problem));
        Assert.Equal(_network.Backbone.Store.Parameters.Where(parameter => parameter.Name.StartsWith("backbone.", StringComparison.Ordinal)).Sum(parameter => parameter.Shape.Count), description.Parameters);
        Assert.All(description.LeftOut, name => Assert.StartsWith("teacher/head.", name, StringComparison.Ordinal));

        string other = _folder.Path("other.pth");
        TorchFiles.Write(other, StateDicts.Dictionary(("fc.weight", (new long[] { 2, 3 }, new float[6]))));
        using TensorFile foreign = TensorFile.Open(other);
        description = ModelFile.Describe(foreign);
        Assert.Equal((null, 6), (description.Architecture, description.Parameters));
        Assert.Contains("fc.weight", description.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Shapes_that_promise_more_than_the_file_holds_take_no_memory()
    {
        string path = _folder.Path("w.pth");
        // 65536 wide: blocks of that width would take gigabytes each.
        TorchFiles.Write(path, StateDicts.Dictionary(
            ("patch_embed.proj.weight", (new long[] { 65536, 1, 1, 1 }, new float[65536])), ("pos_embed", (new long[] { 1, 2, 1 }, new float[2])),
            ("blocks.0.norm1.weight", (new long[] { 1 }, new float[1])), ("blocks.0.mlp.fc1.weight", (new long[] { 65536 }, new float[65536]))));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<StateDictException>(() => ModelFile.Load(path, _device));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10 << 20);
    }

    public void Dispose()
    {
        _network.Dispose();
        _other.Dispose();
        _device.Dispose();
        _folder.Dispose();
    }

    private DinoNetwork Network(ulong seed)
    {
        DinoNetwork network = new(Architecture, new DinoHeadOptions { Prototypes = 16, Hidden = 16, Bottleneck = 8, BatchNorm = true });
        network.Store.Allocate(_device, seed);
        return network;
    }

    /// <summary>The backbone in two files with an index.</summary>
    private string Shards()
    {
        Dictionary<string, string> map = [];
        SafetensorsWriter[] writers = [new(), new()];
        foreach ((int i, Parameter parameter) in _network.Store.All.Where(parameter => parameter.Name.StartsWith("backbone.", StringComparison.Ordinal)).Index())
        {
            writers[i % 2].Add(parameter.Name, parameter.Tensor);
            map[parameter.Name] = $"part-{i % 2}.safetensors";
        }

        for (int i = 0; i < 2; i++)
            writers[i].Save(_folder.Path($"part-{i}.safetensors"));
        string path = _folder.Path("model.safetensors.index.json");
        File.WriteAllText(path, $$"""{"metadata": {"total_size": 512}, "weight_map": {{JsonSerializer.Serialize(map)}} }""");
        return path;
    }

    private void AssertLoads(string path)
    {
        using LoadedModel model = ModelFile.Load(path, _device);
        Assert.Equal(Architecture, model.Backbone.Options);
        AssertSame(_network, model);
    }

    private static void AssertSame(DinoNetwork network, LoadedModel model)
    {
        foreach (Parameter parameter in model.Backbone.Store.All)
            Assert.Equal(network.Store[$"backbone.{parameter.Name}"].Tensor.ToArray(), parameter.Tensor.ToArray());
    }
}
