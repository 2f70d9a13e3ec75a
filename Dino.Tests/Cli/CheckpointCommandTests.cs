using System.Text.Json;
using Dino.Cli;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;
using Dino.Tests.Ssl;
using Dino.Tests.Tensors.Formats;

namespace Dino.Tests.Cli;

/// <summary><c>dino info</c> and <c>dino convert</c>, and PyTorch files where other commands take weights.</summary>
public sealed class CheckpointCommandTests : IDisposable
{
    private static readonly VisionTransformerOptions Architecture = new() { ImageSize = 16, PatchSize = 8, Width = 64, Depth = 2, Heads = 1 };

    private readonly TinyCommand _files = new();
    private readonly CpuDevice _device = new(1);
    private readonly DinoNetwork _student = new(Architecture, Head), _teacher = new(Architecture, Head);

    public CheckpointCommandTests()
    {
        _student.Store.Allocate(_device, 1);
        _teacher.Store.Allocate(_device, 2);
        TorchFiles.Write(Checkpoint, StateDicts.Dictionary(
            ("student", StateDicts.Of(_student.Store, "module.")), ("teacher", StateDicts.Of(_teacher.Store)), ("epoch", 7),
            ("args", new TorchFiles.Namespace(("arch", "vit_tiny"), ("lr", 0.0005), ("scale", new object?[] { 0.4, double.NaN })))));
    }

    private static DinoHeadOptions Head => new() { Prototypes = 16, Hidden = 16, Bottleneck = 8 };

    private string Checkpoint => _files.Path("checkpoint.pth");

    [Fact]
    public void Info_describes_a_checkpoint_as_json_and_as_text()
    {
        JsonElement json = DinoProcess.Run("info", Checkpoint, "--json").Expect(0).Json;
        Assert.Equal(("torch zip", "teacher"), (json.GetProperty("format").GetString(), json.GetProperty("part").GetString()));
        JsonElement architecture = json.GetProperty("architecture");
        Assert.Equal([8, 64, 2, 1, 16], ((string[])["patch_size", "width", "depth", "heads", "image_size"]).Select(name => architecture.GetProperty(name).GetInt32()));
        Assert.Equal(_teacher.Store.Parameters.Where(parameter => parameter.Name.StartsWith("backbone.", StringComparison.Ordinal)).Sum(parameter => parameter.Shape.Count), json.GetProperty("parameters").GetInt64());
        Assert.Equal(7, json.GetProperty("entries").GetProperty("epoch").GetInt32());
        Assert.Equal(0.0005, json.GetProperty("entries").GetProperty("args").GetProperty("lr").GetDouble());
        Assert.Equal("NaN", json.GetProperty("entries").GetProperty("args").GetProperty("scale")[1].GetString());
        JsonElement token = json.GetProperty("tensors").EnumerateArray().Single(tensor => tensor.GetProperty("name").GetString() == "teacher/backbone.cls_token");
        Assert.Equal(("F32", "[1,1,64]"), (token.GetProperty("type").GetString(), token.GetProperty("shape").GetRawText()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("problem").ValueKind);

        string text = DinoProcess.Run("info", Checkpoint, "--key", "student").Expect(0).Output;
        foreach (string part in (string[])["torch zip", "part: student", "64 wide, 2 blocks, 1 head), patch 8", "teacher (", "student/head (", "epoch: 7", "args: {\"arch\":\"vit_tiny\"", "  teacher/backbone.cls_token F32 [1, 1, 64]"])
            Assert.Contains(part, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Converted_weights_are_the_same_weights()
    {
        string converted = _files.Path("converted.safetensors"), picture = Directory.EnumerateFiles(_files.TestData, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        JsonElement json = DinoProcess.Run("convert", "--input", Checkpoint, "--output", converted, "--json").Expect(0).Json;
        Assert.Equal(("teacher", _teacher.Store.All.Count(), converted), (json.GetProperty("part").GetString(), json.GetProperty("tensors").GetInt32(), json.GetProperty("output").GetString()));
        Assert.Equal(_student.Store.All.Count(), json.GetProperty("left_out").GetArrayLength());
        using (SafetensorsFile file = SafetensorsFile.Open(converted))
        {
            Assert.Equal(_teacher.Store.All.Select(parameter => parameter.Name).Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
            Assert.Equal(("pt", "teacher"), (file.Metadata["format"], file.Metadata["part"]));
            foreach (Parameter parameter in _teacher.Store.All)
                Assert.Equal(parameter.Tensor.ToArray(), file.ReadSingles(parameter.Name));
        }

        Embed(Checkpoint, "a.npy");
        Embed(converted, "b.npy");
        Embed(Checkpoint, "student.npy", "--key", "student");
        Assert.Equal(File.ReadAllBytes(_files.Path("a.npy")), File.ReadAllBytes(_files.Path("b.npy")));
        Assert.NotEqual(File.ReadAllBytes(_files.Path("a.npy")), File.ReadAllBytes(_files.Path("student.npy")));

        void Embed(string weights, string output, params string[] more) =>
            DinoProcess.Run(["embed", "--weights", weights, "--input", picture, "--output", _files.Path(output), "--threads", "1", .. more]).Expect(0);
    }

    [Fact]
    public void Everything_can_be_converted_under_whole_paths()
    {
        string converted = _files.Path("all.safetensors");
        string text = DinoProcess.Run("convert", "--input", Checkpoint, "--output", converted, "--all").Expect(0).Output;
        Assert.Contains($"{2 * _teacher.Store.All.Count()} tensors", text, StringComparison.Ordinal);
        using LoadedModel model = ModelFile.Load(converted, _device, new() { Key = "student" });
        foreach (Parameter parameter in model.Backbone.Store.All)
            Assert.Equal(_student.Store[$"backbone.{parameter.Name}"].Tensor.ToArray(), parameter.Tensor.ToArray());
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_said_in_a_sentence()
    {
        string hostile = _files.Path("hostile.pth");
        TorchFiles.WriteZip(hostile, new PickleBuilder().Global("os", "system").Text("true").Raw(0x85).Reduce().Stop().ToArray());
        foreach (string[] call in (string[][])[["info", hostile], ["convert", "--input", hostile, "--output", _files.Path("x.safetensors")], ["embed", "--weights", hostile, "--input", _files.TestData, "--output", _files.Path("x.npy")]])
        {
            DinoResult result = DinoProcess.Run(call).Expect(1);
            Assert.StartsWith("error: ", result.Errors, StringComparison.Ordinal);
            Assert.Contains("os.system", result.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(_files.Path("x.safetensors")));
        Assert.Contains("--all", DinoProcess.Run("convert", "--input", Checkpoint, "--output", _files.Path("x.safetensors"), "--all", "--key", "teacher").Expect(2).Errors, StringComparison.Ordinal);
        Assert.Contains(".safetensors", DinoProcess.Run("convert", "--input", Checkpoint, "--output", _files.Path("x.pth")).Expect(2).Errors, StringComparison.Ordinal);
        Assert.Contains("student, teacher", DinoProcess.Run("info", Checkpoint, "--key", "model").Expect(1).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_without_a_file_is_named_with_what_can_be_given()
    {
        string path = _files.Path("foo");
        Assert.Equal(
            $"error: dino info: there is no file '{path}' (looked for {path}). Give a .safetensors or .pth file, the index of shards, the folder of a model, or the --output folder of dino train.",
            DinoProcess.Run("info", path).Expect(1).Errors.TrimEnd());
    }

    [Theory]
    [InlineData("""{"scale":{"item1":0.4,"item2":1},"list":[{"item1":1,"item2":null}],"other":{"item2":1,"item1":2}}""", """{"scale":[0.4,1],"list":[[1,null]],"other":{"item2":1,"item1":2}}""")]
    [InlineData("no JSON, but \"item1\"", "no JSON, but \"item1\"")]
    [InlineData("pt", "pt")]
    public void Pairs_in_metadata_are_lists(string text, string shown) => Assert.Equal(shown, CheckpointText.WithoutItems(text));

    [Fact]
    public void Values_nested_deeper_than_JSON_bears_are_cut()
    {
        string path = _files.Path("deep.pth");
        TorchFiles.Write(path, Enumerable.Range(0, 90).Aggregate((object?)1, (inner, _) => StateDicts.Dictionary(("k", inner))));
        using TorchFile file = TorchFile.Open(path);
        string json = CheckpointText.WithoutTensors(file.Root)!.ToJsonString();
        Assert.StartsWith("{\"k\":{\"k\":", json, StringComparison.Ordinal);
        Assert.Contains("\"...\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_resumes_from_a_file_of_another_folder()
    {
        DinoProcess.Run([.. _files.Train("whole", 2), "--saveckp-freq", "1"]).Expect(0);
        JsonElement json = DinoProcess.Run([.. _files.Train("rest", 2), "--resume", _files.Path("whole", "checkpoint0001.safetensors")]).Expect(0).Json;
        Assert.Equal(10, json.GetProperty("steps").GetInt64());
        TinyRun.AssertSameState(_files.Path("whole"), _files.Path("rest"));
        Assert.Single(TinyRun.Log(_files.Path("rest")), line => line["type"]!.GetValue<string>() == "epoch");
    }

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _device.Dispose();
        _files.Dispose();
    }
}
