using System.Text.Json.Nodes;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Models;

/// <summary>A configuration that contradicts the weights, asks for what there is not, or means harm ends in a sentence that names file and value.</summary>
public sealed class ModelConfigTests : IDisposable
{
    private const string Config = """
        {"model_type": "dinov3_vit", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 8, "num_channels": 3, "image_size": 32,
         "intermediate_size": 128, "num_register_tokens": 4, "layer_norm_eps": 1e-5, "rope_theta": 100.0, "hidden_act": "gelu", "use_gated_mlp": false}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public ModelConfigTests()
    {
        using PublishedModel model = new(_device, VisionTransformerOptions.DinoV3Small16 with { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 1, Heads = 2, MlpRatio = 2 });
        PublishedModel.WriteFolder(_folder.Root, PublishedNames.HuggingFace("dinov3_vit", model.Store), "model.safetensors", Config);
    }

    [Fact]
    public void The_configuration_itself_is_right()
    {
        using LoadedModel model = ModelFile.Load(_folder.Root, _device);
        Assert.Equal(32, model.Backbone.Options.ImageSize);
    }

    [Theory]
    [InlineData("hidden_size", "128", "contradicts the weights, where the width is 64")]
    [InlineData("num_hidden_layers", "2", "contradicts the weights, where the number of blocks is 1")]
    [InlineData("patch_size", "16", "contradicts the weights, where the side of a patch is 8")]
    [InlineData("num_channels", "1", "contradicts the weights, where the number of channels is 3")]
    [InlineData("intermediate_size", "256", "where the width inside the feed-forward part is 128")]
    [InlineData("num_register_tokens", "0", "where the number of registers is 4")]
    [InlineData("use_gated_mlp", "true", "the feed-forward part of the weights is not gated")]
    [InlineData("key_bias", "true", "the weights have none")]
    [InlineData("query_bias", "false", "the weights have one")]
    [InlineData("mlp_bias", "false", "is not supported: only true is")]
    [InlineData("hidden_act", "\"relu\"", "is not supported: only \"gelu\" is")]
    [InlineData("model_type", "\"dinov3_convnext\"", "the supported types are vit, dinov2, dinov2_with_registers, dinov3_vit, resnet")]
    [InlineData("model_type", "\"vit\"", "the weights have rotary positions")]
    [InlineData("model_type", "\"resnet\"", "the weights are those of a vision transformer")]
    [InlineData("num_attention_heads", "null", "must be there")]
    [InlineData("num_attention_heads", "0", "must divide the width 64")]
    [InlineData("num_attention_heads", "5", "must divide the width 64")]
    [InlineData("num_attention_heads", "32", "heads whose width is a multiple of 4")]
    [InlineData("num_attention_heads", "99999999999999999999", "must be a whole number from 0 to 1048576")]
    [InlineData("num_attention_heads", "2.5", "must be a whole number")]
    [InlineData("num_attention_heads", "\"two\"", "must be a whole number")]
    [InlineData("hidden_size", "[64]", "must be a whole number")]
    [InlineData("patch_size", "[8, 16]", "must be the side of a square")]
    [InlineData("patch_size", "-8", "must be a whole number from 0")]
    [InlineData("image_size", "33", "must be a multiple of the patch size 8")]
    [InlineData("layer_norm_eps", "0", "must lie between 1e-30 and 1")]
    [InlineData("layer_norm_eps", "1e999", "must be a number")]
    [InlineData("rope_theta", "-1", "must lie between")]
    [InlineData("mlp_bias", "1", "must be true or false")]
    [InlineData("hidden_act", "{}", "must be a text")]
    public void A_wrong_value_is_named(string name, string value, string reason)
    {
        JsonObject config = JsonNode.Parse(Config)!.AsObject();
        config.Remove(name);
        // As it stands: numbers that no number type holds are among them.
        Write("config.json", config.ToJsonString()[..^1] + $", \"{name}\": {value}}}");
        AssertRefused("config.json", $"'{name}' is {(value == "null" ? "missing" : value)}, but", reason);
    }

    [Theory]
    [InlineData("[1]", "is no JSON object")]
    [InlineData("{\"a\": ", "is no JSON file")]
    [InlineData("\0\0\0\0", "is no JSON file")]
    [InlineData("{}", "has neither the 'model_type' of transformers nor the 'architecture' of timm")]
    [InlineData("{\"architecture\": \"vit_small_patch14_dinov2\"}", "the weights are those of another network")]
    [InlineData("{\"architecture\": \"resnet50_dinov3\", \"num_features\": 65}", "where the width is 64")]
    [InlineData("{\"architecture\": \"vit_dinov3\", \"model_args\": {\"num_heads\": 3}}", "'model_args.num_heads' is 3, but must divide the width 64")]
    [InlineData("{\"architecture\": \"vit_dinov3\", \"pretrained_cfg\": {\"crop_pct\": 0.0001}}", "'pretrained_cfg.crop_pct' is 0.0001, but")]
    [InlineData("{\"architecture\": \"vit_dinov3\", \"pretrained_cfg\": {\"input_size\": [3, 32, 64]}}", "must be three channels of a square")]
    [InlineData("{\"architecture\": \"vit_dinov3\", \"pretrained_cfg\": {\"crop_mode\": \"border\"}}", "must be center or squash")]
    [InlineData("{\"architecture\": \"vit_dinov3\", \"pretrained_cfg\": {\"mean\": [0.5, 0.5, 0.5], \"std\": [0.5, 0, 0.5]}}", "must be three numbers from")]
    public void A_file_that_is_no_configuration_of_these_weights_is_refused(string content, string reason)
    {
        Write("config.json", content);
        AssertRefused("config.json", reason);
    }

    [Fact]
    public void Depth_and_length_are_bounded()
    {
        Write("config.json", string.Concat(Enumerable.Repeat("{\"a\":", 100_000)));
        AssertRefused("config.json", "is no JSON file");
        using (FileStream stream = File.Create(_folder.Path("config.json")))
            stream.SetLength((16 << 20) + 1);
        AssertRefused("config.json", "is not read");
    }

    [Theory]
    [InlineData("""{"image_processor_type": "SamImageProcessor"}""", "the supported processors are")]
    [InlineData("""{"size": 224}""", "'image_processor_type' is missing, but must be there")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 192}}""", "'size' is")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": 100000}""", "of 1 to 8192")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": 224}""", "'image_mean' is missing")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": 224, "resample": 7, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}""", "'resample' is 7")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": 224, "do_resize": false}""", "only true is")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": 224, "rescale_factor": 1}""", "must be 1 / 255")]
    [InlineData("""{"image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 224}}""", "must be cropped to a square")]
    [InlineData("""{"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 224}, "crop_size": 256, "do_normalize": false}""", "is larger than the resized picture, 224")]
    public void A_wrong_processor_is_named(string content, string reason)
    {
        Write("preprocessor_config.json", content);
        AssertRefused("preprocessor_config.json", reason);
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    private void Write(string name, string content) => File.WriteAllText(_folder.Path(name), content);

    private void AssertRefused(string file, params string[] parts)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ModelFile.Load(_folder.Root, _device));
        Assert.Contains(_folder.Path(file), error.Message, StringComparison.Ordinal);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        Assert.InRange(error.Message.Length, 1, 600);
    }
}
