using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Nn;

namespace Dino.Tests.Ssl.Models;

/// <summary>A network for colours that is given another number of channels.</summary>
public sealed class ChannelTests : IDisposable
{
    private static readonly Dictionary<string, BackboneOptions> Networks = new(StringComparer.Ordinal)
    {
        ["vit"] = new VisionTransformerOptions { ImageSize = 16, PatchSize = 8, Width = 64, Depth = 1, Heads = 1, MlpRatio = 1 },
        ["resnet"] = new ResNetOptions { Width = 64, Stem = 8, Depths = new(1, 1, 1, 1) },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public static TheoryData<string> Names => [.. Networks.Keys];

    private string Weights => _folder.Path("w.safetensors");

    [Theory, MemberData(nameof(Names))]
    public void A_grey_picture_gives_what_three_equal_channels_give(string name)
    {
        using PublishedModel model = new(_device, Networks[name]);
        model.SaveOfficial(Weights);
        using LoadedModel grey = ModelFile.Load(Weights, _device, new() { Channels = 1 });
        Assert.Equal(1, grey.Backbone.Options.Channels);
        float[] pixels = HashedWeights.Values("grey", 32 * 32, 1, 0, salt: 2);
        float[] expected = Forward(model.Network, [.. pixels, .. pixels, .. pixels], 3), actual = Forward(grey.Backbone, pixels, 1);
        // Three products are added up here before, there after they are rounded: three roundings of each of 192 (ResNet: 147) terms, magnified by the layers behind.
        AssertNear(expected, actual, 1e-5);
    }

    [Theory, MemberData(nameof(Names))]
    public void Other_numbers_of_channels_repeat_the_filters_and_keep_their_sum(string name)
    {
        using PublishedModel model = new(_device, Networks[name]);
        model.SaveOfficial(Weights);
        string first = name == "vit" ? "patch_embed.proj.weight" : "conv1.weight";
        Parameter before = model.Store[first];
        float[] filters = before.Tensor.ToArray();
        (int outputs, int area) = (before.Shape[0], before.Shape[2] * before.Shape[3]);
        foreach (int channels in (int[])[2, 4, 5])
        {
            using LoadedModel adapted = ModelFile.Load(Weights, _device, new() { Channels = channels });
            Assert.Equal([outputs, channels, before.Shape[2], before.Shape[3]], adapted.Backbone.Store[first].Shape);
            float[] values = adapted.Backbone.Store[first].Tensor.ToArray();
            for (int i = 0; i < values.Length; i++)
            {
                (int output, int channel, int at) = (i / (area * channels), i / area % channels, i % area);
                Assert.Equal(3f / channels * filters[(((output * 3) + (channel % 3)) * area) + at], values[i]);
            }

            Assert.Contains($"{channels} channels", Assert.Throws<ArgumentException>(() => new EvaluationTransform(adapted.Preprocessing)).Message, StringComparison.Ordinal);
            Assert.All(Forward(adapted.Backbone, HashedWeights.Values("pixels", channels * 32 * 32, 1, 0, salt: 3), channels), feature => Assert.True(float.IsFinite(feature)));
        }
    }

    [Fact]
    public void Pictures_are_turned_grey()
    {
        using PublishedModel model = new(_device, Networks["vit"]);
        model.SaveOfficial(Weights);
        using LoadedModel grey = ModelFile.Load(Weights, _device, new() { Channels = 1 });
        Image colours = new(20, 24);
        for (int i = 0; i < colours.Pixels.Length; i++)
            colours.Pixels[i] = (byte)(i * 37);
        float[] pixels = new float[16 * 16];
        new EvaluationTransform(grey.Preprocessing).CreateWriter().Write(colours, 0, default, pixels);
        float[] coloured = new float[3 * 16 * 16];
        new EvaluationTransform(grey.Preprocessing with { Channels = 3, Normalization = Dino.Imaging.Transforms.PixelNormalization.None }).CreateWriter().Write(colours, 0, default, coloured);
        for (int i = 0; i < pixels.Length; i++)
        {
            double brightness = (0.299 * coloured[i]) + (0.587 * coloured[256 + i]) + (0.114 * coloured[512 + i]);
            // Half a byte of rounding, and the mean of ImageNet's statistics.
            Assert.Equal((brightness - 0.449) / 0.226, pixels[i], 0.51 / 255 / 0.226);
        }

        FeatureSet features = FeatureSet.OfImage(grey, colours, "picture");
        Assert.Equal(1, features.Values.Sum(value => (double)value * value), 1e-5);
        Assert.Equal(4, AttentionMap.Of(grey, colours, 16, out _).Mean().Length);
    }

    [Fact]
    public void A_network_that_is_not_for_colours_is_not_adapted()
    {
        using PublishedModel model = new(_device, Networks["vit"] with { Channels = 2 });
        model.SaveOfficial(Weights);
        using (LoadedModel two = ModelFile.Load(Weights, _device, new() { Channels = 2 }))
            Assert.Equal(2, two.Backbone.Options.Channels);
        Assert.Contains("is for 2 channels", Assert.Throws<InvalidDataException>(() => ModelFile.Load(Weights, _device, new() { Channels = 1 })).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    private static float[] Forward(Backbone network, float[] pixels, int channels)
    {
        using Scope scope = network.Store.Device.OpenScope(GradMode.Off);
        return network.Forward(scope.Upload(pixels, [1, channels, 32, 32])).ToArray();
    }

    private static void AssertNear(float[] expected, float[] actual, double relative)
    {
        double bound = relative * expected.Max(Math.Abs);
        foreach ((float wanted, float value) in expected.Zip(actual))
            Assert.Equal(wanted, value, bound);
    }
}
