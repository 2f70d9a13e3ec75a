using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Models;

/// <summary>Tensors under published names that do not belong together are refused by name.</summary>
public sealed class PublishedNamesErrorTests : IDisposable
{
    private static readonly VisionTransformerOptions Small = new() { ImageSize = 16, PatchSize = 8, Width = 64, Depth = 2, Heads = 1, MlpRatio = 2 };

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);
    private readonly PublishedModel _model;
    private readonly List<PublishedNames.Stored> _tensors;

    public PublishedNamesErrorTests()
    {
        _model = new(_device, Small);
        _tensors = PublishedNames.HuggingFace("vit", _model.Store);
    }

    [Theory]
    [InlineData("encoder.layer.1.attention.attention.key.weight", "'encoder.layer.1.attention.attention.query.weight' has no keys beside it")]
    [InlineData("encoder.layer.1.attention.attention.query.bias", "'encoder.layer.1.attention.attention.key.bias' has no queries beside it")]
    public void A_missing_third_is_named(string name, string reason)
    {
        _tensors.RemoveAll(tensor => tensor.Name == name);
        AssertRefused<InvalidDataException>(reason);
    }

    [Fact]
    public void Thirds_of_other_shapes_are_named()
    {
        Replace("encoder.layer.0.attention.attention.value.weight", tensor => tensor with { Shape = [32, 64], Values = tensor.Values[..(32 * 64)] });
        AssertRefused<InvalidDataException>("'encoder.layer.0.attention.attention.value.weight' [32, 64]: queries, keys and values must have the same shape");
    }

    [Fact]
    public void Two_names_of_one_tensor_are_named()
    {
        _tensors.Add(_tensors.First(tensor => tensor.Name == "layernorm.bias") with { Name = "norm.bias" });
        AssertRefused<InvalidDataException>("two tensors mean 'norm.bias'");
    }

    [Fact]
    public void Other_tensors_and_missing_ones_are_listed_under_official_names()
    {
        Replace("encoder.layer.0.output.dense.bias", tensor => tensor with { Name = "encoder.layer.0.output.dense.offset" });
        StateDictException error = AssertRefused<StateDictException>("Missing");
        Assert.Equal(["blocks.0.mlp.fc2.bias"], error.Missing);
        Assert.Equal(["blocks.0.mlp.fc2.offset"], error.Unexpected);
    }

    [Fact]
    public void A_network_whose_blocks_are_of_another_library_is_not_recognised()
    {
        _tensors.RemoveAll(tensor => tensor.Name.Contains("layernorm_before", StringComparison.Ordinal));
        AssertRefused<InvalidDataException>("It holds");
    }

    public void Dispose()
    {
        _model.Dispose();
        _device.Dispose();
        _folder.Dispose();
    }

    private void Replace(string name, Func<PublishedNames.Stored, PublishedNames.Stored> change)
    {
        int at = _tensors.FindIndex(tensor => tensor.Name == name);
        _tensors[at] = change(_tensors[at]);
    }

    private T AssertRefused<T>(string reason)
        where T : Exception
    {
        string path = _folder.Path("w.safetensors");
        PublishedModel.Save(_tensors, path);
        T error = Assert.Throws<T>(() => ModelFile.Load(path, _device));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        return error;
    }
}
