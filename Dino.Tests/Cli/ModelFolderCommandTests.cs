using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Formats;
using Dino.Tests.Ssl.Models;

namespace Dino.Tests.Cli;

/// <summary>The tool with folders in place of files of weights.</summary>
public sealed class ModelFolderCommandTests : IDisposable
{
    private const string Config = """
        {"model_type": "dinov3_vit", "hidden_size": 64, "num_attention_heads": 2, "num_register_tokens": 4, "patch_size": 8, "image_size": 32, "layer_norm_eps": 1e-5, "intermediate_size": 256}
        """;

    private const string Processor = """
        {"image_processor_type": "DINOv3ViTImageProcessorFast", "size": {"height": 32, "width": 32}, "resample": 2, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
        """;

    private static readonly VisionTransformerOptions Architecture = VisionTransformerOptions.DinoV3Small16 with { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 2, Heads = 2 };

    private readonly TinyCommand _files = new();
    private readonly CpuDevice _device = new(1);

    public ModelFolderCommandTests()
    {
        using PublishedModel model = new(_device, Architecture);
        PublishedModel.WriteFolder(Folder, [.. PublishedNames.HuggingFace("dinov3_vit", model.Store), new("classifier.weight", [1], [1])], "model.safetensors.index.json", Config, Processor);
    }

    private string Folder => _files.Path("dinov3-tiny");

    [Fact]
    public void Info_says_what_a_folder_holds_and_what_is_done_to_pictures()
    {
        JsonElement json = DinoProcess.Run("info", Folder, "--json").Expect(0).Json;
        Assert.Equal(("transformers", "safetensors shards"), (json.GetProperty("naming").GetString(), json.GetProperty("format").GetString()));
        Assert.Equal([64, 2, 2, 8, 32], ((string[])["width", "depth", "heads", "patch_size", "image_size"]).Select(name => json.GetProperty("architecture").GetProperty(name).GetInt32()));
        Assert.Equal("""{"size":32,"resize":32,"square":true,"filter":"bilinear","float_pixels":true,"mean":[0.485,0.456,0.406],"standard_deviation":[0.229,0.224,0.225]}""", json.GetProperty("pictures").GetRawText());
        Assert.Equal(
            """{"positions":"rotary","registers":4,"norm":"layer_norm","norm_epsilon":1E-05,"feed_forward":"mlp","hidden_width":256,"layer_scale":true,"mask_token":true}""",
            json.GetProperty("architecture").GetProperty("transformer").GetRawText());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("architecture").GetProperty("resnet").ValueKind);
        Assert.Equal(["classifier.weight"], json.GetProperty("left_out").EnumerateArray().Select(name => name.GetString()));
        string text = DinoProcess.Run("info", Folder).Expect(0).Output;
        foreach (string part in (string[])["names: those of transformers", "pictures: both sides to 32, bilinear in floats\n", "left out: classifier (1)", "64 wide, 2 blocks, 2 heads), patch 8",
            "network: rotary positions, 4 registers, layer norm (epsilon 1e-05), MLP of 256, layer scale, mask token\n"])
            Assert.Contains(part, text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_embeds_what_its_converted_weights_embed()
    {
        string converted = _files.Path("official.safetensors"), picture = Directory.EnumerateFiles(_files.TestData, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        JsonElement json = DinoProcess.Run("convert", "--input", Folder, "--output", converted, "--json").Expect(0).Json;
        Assert.Equal(["classifier.weight"], json.GetProperty("left_out").EnumerateArray().Select(name => name.GetString()));
        using (SafetensorsFile file = SafetensorsFile.Open(converted))
        {
            Assert.Equal(json.GetProperty("tensors").GetInt32(), file.Entries.Count);
            Assert.Equal([192], file.Entry("blocks.1.attn.qkv.bias_mask").Shape);
            Assert.Equal([8], file.Entry("rope_embed.periods").Shape);
        }

        Embed(Folder, "a.npy");
        Embed(converted, "b.npy");
        Embed(Path.Combine(Folder, "model.safetensors.index.json"), "c.npy");
        Embed(Folder, "grey.npy", "--channels", "1");
        Assert.Equal(File.ReadAllBytes(_files.Path("a.npy")), File.ReadAllBytes(_files.Path("b.npy")));
        Assert.Equal(File.ReadAllBytes(_files.Path("a.npy")), File.ReadAllBytes(_files.Path("c.npy")));
        Assert.NotEqual(File.ReadAllBytes(_files.Path("a.npy")), File.ReadAllBytes(_files.Path("grey.npy")));

        void Embed(string weights, string output, params string[] more) =>
            DinoProcess.Run(["embed", "--weights", weights, "--input", picture, "--output", _files.Path(output), "--threads", "1", .. more]).Expect(0);
    }

    [Fact]
    public void A_contradiction_ends_with_1_and_names_file_and_value()
    {
        File.WriteAllText(Path.Combine(Folder, "config.json"), Config.Replace("\"hidden_size\": 64", "\"hidden_size\": 128", StringComparison.Ordinal));
        foreach (string[] call in (string[][])[["info", Folder], ["embed", "--weights", Folder, "--input", _files.TestData, "--output", _files.Path("x.npy")]])
        {
            string errors = DinoProcess.Run(call).Expect(1).Errors;
            Assert.StartsWith("error: ", errors, StringComparison.Ordinal);
            Assert.Contains($"{Path.Combine(Folder, "config.json")}: 'hidden_size' is 128, but contradicts the weights, where the width is 64.", errors, StringComparison.Ordinal);
        }

        Assert.Contains("--channels must be 1 or 3, not 2", DinoProcess.Run("embed", "--weights", Folder, "--input", _files.TestData, "--output", _files.Path("x.npy"), "--channels", "2").Expect(2).Errors, StringComparison.Ordinal);
        Assert.Contains("holds no weights", DinoProcess.Run("info", _files.TestData).Expect(1).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ResNet_is_trained_and_its_folder_embeds()
    {
        string run = _files.Path("run");
        DinoProcess.Run("train", "--data", _files.TrainData, "--output", run, "--arch", "resnet18", "--epochs", "1", "--image-size", "32", "--local-size", "16", "--local-crops", "1",
            "--out-dim", "32", "--hidden-dim", "24", "--bottleneck-dim", "8", "--batch-size", "10", "--warmup-epochs", "0", "--threads", "1", "--json").Expect(0);
        JsonElement json = DinoProcess.Run("embed", "--weights", run, "--input", _files.TestData, "--output", _files.Path("r.npy"), "--json").Expect(0).Json;
        Assert.Equal((10, 512), (json.GetProperty("count").GetInt32(), json.GetProperty("width").GetInt32()));
        JsonElement info = DinoProcess.Run("info", run, "--json").Expect(0).Json, architecture = info.GetProperty("architecture");
        Assert.Equal("resnet18", architecture.GetProperty("arch").GetString());
        Assert.Equal("""{"depths":[2,2,2,2],"bottleneck":false,"stem":64}""", architecture.GetProperty("resnet").GetRawText());
        Assert.Equal(JsonValueKind.Null, architecture.GetProperty("transformer").ValueKind);
        string text = DinoProcess.Run("info", run).Expect(0).Output;
        Assert.Contains("network: 2, 2, 2 and 2 units of two convolutions, 64 channels after the first convolution", text, StringComparison.Ordinal);
        // Settings of the run in its files: pairs are lists.
        Assert.Contains("\"global_scale\":[0.4,1]", text, StringComparison.Ordinal);
        Assert.Contains("\"global_scale\":[0.4,1]", info.GetProperty("metadata").GetProperty("crops").GetString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _device.Dispose();
        _files.Dispose();
    }
}
