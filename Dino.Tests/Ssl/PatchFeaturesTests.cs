using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Demo;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Features of the places of a picture, of both kinds of network.</summary>
public class PatchFeaturesTests
{
    private static readonly Image s_picture = DrawnPictures.Draw(4, new RandomKey(3), 70);

    public static TheoryData<string> Networks => ["vit", "resnet"];

    [Theory, MemberData(nameof(Networks))]
    public void Patches_fill_the_part_that_was_seen(string kind)
    {
        using LoadedModel model = Model(kind);
        int patch = model.Backbone.Options.PatchSize;
        Image wide = new(100, 70);
        PatchFeatures features = PatchFeatures.Of(model, wide, 3 * patch + 1, out Image seen);
        // 70 becomes 3 patches and a pixel; 100 becomes 4.3 patches.
        Assert.Equal((3, 4, 12), (features.Rows, features.Columns, features.Count));
        Assert.Equal((4 * patch, 3 * patch), (seen.Width, seen.Height));
        Assert.Equal(features.Count * model.Backbone.Options.Width, features.Values.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => PatchFeatures.Of(model, wide, patch - 1, out _));
    }

    [Theory, MemberData(nameof(Networks))]
    public void They_are_the_tokens_of_the_network_and_unit_vectors_if_asked(string kind)
    {
        using LoadedModel model = Model(kind);
        PatchFeatures plain = PatchFeatures.Of(model, s_picture, 64, out Image seen), unit = PatchFeatures.Of(model, s_picture, 64, out _, normalize: true);
        float[] pixels = new float[3 * 64 * 64];
        for (int i = 0; i < 64 * 64; i++)
        {
            // The same mean and deviation as any picture of the model: the network sees seen.
            for (int channel = 0; channel < 3; channel++)
                pixels[(channel * 64 * 64) + i] = (float)(((seen.Pixels[(3 * i) + channel] / 255.0) - new[] { 0.485, 0.456, 0.406 }[channel]) / new[] { 0.229, 0.224, 0.225 }[channel]);
        }

        using Scope scope = model.Device.OpenScope(GradMode.Off);
        Tensor x = scope.Upload(pixels, [1, 3, 64, 64]);
        float[] expected = (model.Backbone is VisionTransformer transformer ? transformer.Tokens(x).Patches : ((ResNet)model.Backbone).FeatureMap(x)).ToArray();
        Assert.Equal(expected.Length, plain.Values.Length);
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], plain.Values[i], 1e-5 * largest);
        foreach (float[] row in unit.Values.Chunk(unit.Width))
            Assert.Equal(1, row.Sum(value => (double)value * value), 1e-5);
    }

    private static LoadedModel Model(string kind) => ModelFile.Untrained(
        kind == "vit"
            ? new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 24, Depth = 2, Heads = 2, Registers = 2 }
            : new ResNetOptions { Depths = new(1, 1, 1, 1), Stem = 4, Bottleneck = false, Width = 32 },
        CpuDevice.Shared, seed: 3);
}
