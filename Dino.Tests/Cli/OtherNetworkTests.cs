using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Cli;

/// <summary>The tool with weights of DINOv2, DINOv3 and a ResNet under their official names: their path is all it is told.</summary>
public sealed class OtherNetworkTests : IDisposable
{
    private static readonly Dictionary<string, BackboneOptions> Networks = new(StringComparer.Ordinal)
    {
        ["dinov2"] = VisionTransformerOptions.DinoV2Small14Registers with { Width = 64, Depth = 2, Heads = 1, ImageSize = 42, BlockChunks = 2 },
        ["dinov3"] = VisionTransformerOptions.DinoV3SmallPlus16 with { Width = 64, Depth = 2, Heads = 1 },
        ["resnet"] = new ResNetOptions { Width = 64, Stem = 8, Depths = new(1, 1, 1, 1) },
    };

    private readonly TinyCommand _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("dinov2", "fp32")]
    [InlineData("dinov3", "bf16")]
    [InlineData("resnet", "int8")]
    public void Embed_needs_nothing_but_the_path(string network, string precision)
    {
        string weights = Weights(network), output = _files.Path($"{network}.npy");
        JsonElement json = DinoProcess.Run("embed", "--weights", weights, "--input", _files.TestData, "--output", output, "--crop", "48", "--precision", precision, "--json").Expect(0).Json;
        Assert.Equal((10, 64), (json.GetProperty("count").GetInt32(), json.GetProperty("width").GetInt32()));
        float[] features = NpyArray.Load(output).ToSingles();
        for (int row = 0; row < 10; row++)
            Assert.Equal(1, features.AsSpan(64 * row, 64).ToArray().Sum(value => (double)value * value), 1e-5);
        // Ten pictures, ten features.
        Assert.True(Enumerable.Range(1, 9).All(row => !features.AsSpan(0, 64).SequenceEqual(features.AsSpan(64 * row, 64))));
    }

    [Fact]
    public void Attention_is_drawn_over_the_patches_without_the_registers()
    {
        string image = Directory.EnumerateFiles(_files.TestData, "*.png", SearchOption.AllDirectories).First();
        JsonElement json = DinoProcess.Run("attention", "--weights", Weights("dinov3"), "--image", image, "--output", _files.Path("sheet.png"), "--image-size", "48", "--json").Expect(0).Json;
        Assert.Equal((1, 3, 3), (json.GetProperty("heads").GetInt32(), json.GetProperty("rows").GetInt32(), json.GetProperty("columns").GetInt32()));
    }

    [Fact]
    public void A_network_without_attention_is_refused_in_a_sentence()
    {
        string image = Directory.EnumerateFiles(_files.TestData, "*.png", SearchOption.AllDirectories).First();
        DinoResult result = DinoProcess.Run("attention", "--weights", Weights("resnet"), "--image", image, "--output", _files.Path("sheet.png"), "--image-size", "64");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("ResNet has no attention", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cls+mean")]
    [InlineData("blocks")]
    public void Features_of_tokens_are_refused_in_the_words_of_the_command_line(string feature) => Assert.Equal(
        $"error: --feature {feature} is made of the tokens of a vision transformer; a ResNet has one feature. Use --feature cls.",
        DinoProcess.Run("embed", "--weights", Weights("resnet"), "--input", _files.TestData, "--output", _files.Path("x.npy"), "--feature", feature).Expect(2).Errors.TrimEnd());

    private string Weights(string network)
    {
        using CpuDevice device = new(1);
        using ParameterStore store = new();
        _ = Networks[network].Build(store.Root);
        store.Allocate(device, seed: 5);
        SafetensorsWriter writer = new();
        foreach (Parameter parameter in store.All)
            writer.Add(parameter.Name, parameter.Tensor);
        string path = _files.Path($"{network}.safetensors");
        writer.Save(path);
        return path;
    }
}
