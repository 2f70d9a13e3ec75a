using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>What a vision transformer is asked for, and what it says to a wrong question.</summary>
public sealed class VisionTransformerTests
{
    private static readonly VisionTransformerOptions Plain = new() { ImageSize = 24, PatchSize = 8, Width = 16, Depth = 3, Heads = 2 };

    private static readonly VisionTransformerOptions Rotary = Plain with { Rotary = new(), Registers = 2, MaskToken = true };

    [Fact]
    public void Attention_maps_of_any_block_are_probabilities_over_all_tokens()
    {
        using ParameterStore store = Build(Rotary, out VisionTransformer network);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor x = Pictures(scope, 32, 16);
        List<float[]> maps = [];
        for (int block = 0; block < Rotary.Depth; block++)
        {
            Tensor map = network.SelfAttention(x, block);
            // Four rows of two patches, CLS, two registers.
            Assert.Equal(new Shape(2, 2, 11, 11), map.Shape);
            Assert.All(map.Sum([-1]).ToArray(), sum => Assert.Equal(1, sum, 1e-5f));
            maps.Add(map.ToArray());
        }

        Assert.Equal(maps[^1], network.LastSelfAttention(x).ToArray());
        Assert.NotEqual(maps[0], maps[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => network.SelfAttention(x, Rotary.Depth));
    }

    [Fact]
    public void Tokens_fall_into_cls_registers_and_patches()
    {
        using ParameterStore store = Build(Rotary, out VisionTransformer network);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        TokenSequence tokens = network.Tokens(Pictures(scope, 32, 16));
        Assert.Equal((4, 2, 2), (tokens.Rows, tokens.Columns, tokens.RegisterCount));
        Assert.Equal(tokens.All.ToArray(), Tensor.Concat(1, tokens.Cls.Reshape(2, 1, 16), tokens.Registers, tokens.Patches).ToArray());
        Assert.Equal(new Shape(2, 16, 4, 2), tokens.Map.Shape);
        Assert.Equal(tokens.Patches.Select(1, 5).ToArray(), tokens.Map.Select(2, 2).Select(2, 1).ToArray());
    }

    [Fact]
    public void Layers_are_the_same_whichever_are_kept()
    {
        using ParameterStore store = Build(Plain, out VisionTransformer network);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor x = Pictures(scope, 24, 24);
        foreach (bool norm in new[] { true, false })
        {
            float[][] all = [.. network.IntermediateLayers(x, 5, norm).Select(layer => layer.All.ToArray())];
            Assert.Equal(Plain.Depth, all.Length);
            Assert.Equal([all[0], all[2]], network.IntermediateLayers(x, [0, 2], norm).Select(layer => layer.All.ToArray()));
            Assert.Equal(norm ? network.Tokens(x).All.ToArray() : network.TokensBeforeNorm(x).All.ToArray(), all[^1]);
        }

        Assert.Contains("0 to 2", Assert.Throws<ArgumentException>(() => network.IntermediateLayers(x, [1, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("2, 1", Assert.Throws<ArgumentException>(() => network.IntermediateLayers(x, [2, 1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_replace_patches_and_nothing_else()
    {
        using ParameterStore store = Build(Plain with { MaskToken = true }, out VisionTransformer network);
        StateDict.Write(store["mask_token"].Tensor, HashedWeights.Values("mask", 16, 1, 0, 0));
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Tensor x = Pictures(scope, 24, 24);
        Assert.Equal(network.Tokens(x).All.ToArray(), network.Tokens(x, scope.Zeros([2, 9])).All.ToArray());
        // With everything masked, all pictures look alike.
        float[] tokens = network.Tokens(x, scope.Full([2, 9], 1)).All.ToArray();
        Assert.Equal(tokens[..(tokens.Length / 2)], tokens[(tokens.Length / 2)..]);
        Assert.Contains("[2, 9]", Assert.Throws<ShapeMismatchException>(() => network.Tokens(x, scope.Zeros([2, 10]))).Message, StringComparison.Ordinal);
        using ParameterStore without = Build(Plain, out VisionTransformer bare);
        Assert.Contains("MaskToken", Assert.Throws<InvalidOperationException>(() => bare.Tokens(x, scope.Zeros([2, 9]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Positions_are_learned_or_rotary()
    {
        using ParameterStore first = Build(Plain, out VisionTransformer learned), second = Build(Rotary, out VisionTransformer rotary);
        using Scope scope = CpuDevice.Shared.OpenScope(GradMode.Off);
        Assert.Equal(new Shape(1, 9, 16), learned.PositionsFor(scope, 32, 16).Shape);
        Assert.Equal(new Shape(2, 8, 4), rotary.TurnsFor(scope, 32, 16).Shape);
        Assert.Contains("rotary", Assert.Throws<InvalidOperationException>(() => rotary.PositionsFor(scope, 32, 16)).Message, StringComparison.Ordinal);
        Assert.Contains("learned", Assert.Throws<InvalidOperationException>(() => learned.TurnsFor(scope, 32, 16)).Message, StringComparison.Ordinal);
    }

    /// <summary>Sizes in millions, as the publications round them.</summary>
    [Theory]
    [InlineData("vit_small", 21)]
    [InlineData("dinov2_vits14", 21)]
    [InlineData("dinov2_vitb14_reg", 86)]
    [InlineData("dinov2_vitl14", 300)]
    [InlineData("dinov2_vitg14", 1100)]
    [InlineData("dinov2_vitg14_reg", 1100)]
    [InlineData("dinov3_vits16", 21)]
    [InlineData("dinov3_vits16plus", 29)]
    [InlineData("dinov3_vitb16", 86)]
    [InlineData("dinov3_vitl16", 300)]
    [InlineData("dinov3_vith16plus", 840)]
    [InlineData("resnet50", 23)]
    public void Published_networks_have_their_published_size(string name, double millions)
    {
        using ParameterStore store = new();
        _ = BackboneOptions.ByName(name).Build(store.Root);
        Assert.Equal(1, store.Count / 1e6 / millions, 0.06);
    }

    [Fact]
    public void Wrong_options_are_refused_with_the_option_and_the_fix()
    {
        Refuses("multiple of 4", Plain with { Width = 12, Heads = 2, Rotary = new() });
        Refuses("periods", Plain with { Rotary = new() { MaxPeriod = 3 } });
        Refuses("0 to 3", Plain with { BlockChunks = 4 });
        Refuses("QkvBias", Plain with { QkvBias = false, MaskedKeyBias = true });
        Refuses("LayerScale", Plain with { LayerScale = -1 });
        Refuses("registers -1", Plain with { Registers = -1 });
        Refuses("multiple of 32", ResNetOptions.ResNet50 with { Width = 100 });
        Refuses("patch size is 32", ResNetOptions.ResNet18 with { PatchSize = 16 });
        Refuses("0, 1, 1, 1", new ResNetOptions { Depths = new(0, 1, 1, 1) });
        Assert.Contains("dinov3_vits16, ", Assert.Throws<ArgumentException>(() => BackboneOptions.ByName("vit")).Message, StringComparison.Ordinal);

        static void Refuses(string part, BackboneOptions options)
        {
            using ParameterStore store = new();
            Assert.Contains(part, Assert.Throws<ArgumentException>(() => options.Build(store.Root)).Message, StringComparison.Ordinal);
        }
    }

    private static ParameterStore Build(VisionTransformerOptions options, out VisionTransformer network)
    {
        ParameterStore store = new();
        network = options.Build(store.Root);
        return store.Allocate(CpuDevice.Shared, seed: 2, withGradients: false);
    }

    private static Tensor Pictures(Scope scope, int height, int width) => scope.Upload(HashedWeights.Values("input", 2L * 3 * height * width, 1.5, 0, 0), [2, 3, height, width]);
}
