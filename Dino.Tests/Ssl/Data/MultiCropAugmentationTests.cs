using System.Text.Json;
using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Imaging;

namespace Dino.Tests.Ssl.Data;

public sealed class MultiCropAugmentationTests
{
    private static readonly ViewOptions Plain = new() { Size = 24, FlipProbability = 0, JitterProbability = 0, GrayscaleProbability = 0, BlurProbability = 0 };

    [Fact]
    public void Defaults_are_the_official_ones()
    {
        MultiCropOptions options = new();
        options.Validate();
        IReadOnlyList<ViewOptions> views = options.Views();
        Assert.Equal([224, 224, 96, 96, 96, 96, 96, 96, 96, 96], views.Select(view => view.Size));
        Assert.Equal([1.0, 0.1, 0.5], views.Take(3).Select(view => view.BlurProbability));
        Assert.Equal([0, 0.2, 0], views.Take(3).Select(view => view.SolarizeProbability));
        Assert.Equal([(0.4, 1.0), (0.4, 1.0), (0.05, 0.4)], views.Take(3).Select(view => view.Scale));
        Assert.Equal(10, options.ViewCount);
    }

    [Fact]
    public void The_decisions_about_a_view_can_be_printed()
    {
        ViewRecipe recipe = new() { Jitter = default(ColorSteps).Then(ColorStep.Hue).Then(ColorStep.Contrast) };
        Assert.Contains("Jitter = Hue, Contrast, Brightness = 0,", recipe.ToString(), StringComparison.Ordinal);
        Assert.Contains("Jitter = None, ", default(ViewRecipe).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_view_is_a_function_of_picture_and_stream()
    {
        MultiCropAugmentation augmentation = new(new MultiCropOptions { GlobalSize = 32, LocalSize = 16, LocalCrops = 1 });
        ISampleWriter used = augmentation.CreateWriter();
        for (uint sample = 0; sample < 20; sample++)
        {
            // A used writer has left-overs in all its buffers, a new one has none.
            int view = (int)(sample % 3), length = 3 * augmentation.ViewSizes[view] * augmentation.ViewSizes[view];
            float[] a = new float[length], b = new float[length];
            used.Write(Picture(40 + (int)sample, 50), view, new CounterRandom(new RandomKey(1, 2, sample)), a);
            augmentation.CreateWriter().Write(Picture(40 + (int)sample, 50), view, new CounterRandom(new RandomKey(1, 2, sample)), b);
            Assert.Equal(a, b);
        }
    }

    [Fact]
    public void Streams_give_different_views()
    {
        MultiCropAugmentation augmentation = new([Plain], PixelNormalization.None);
        HashSet<float> seen = [];
        float[] view = new float[3 * 24 * 24];
        for (uint sample = 0; sample < 50; sample++)
        {
            augmentation.CreateWriter().Write(Picture(100, 80), 0, new CounterRandom(new RandomKey(1, 0, sample)), view);
            seen.Add(view.Sum());
        }

        Assert.True(seen.Count > 45);
    }

    [Theory]
    [InlineData("flip")]
    [InlineData("gray")]
    [InlineData("blur")]
    [InlineData("solarize")]
    [InlineData("hue")]
    public void Certain_steps_equal_the_transform_itself(string step)
    {
        // A crop of everything has no freedom; radius and hue are pinned by their bounds.
        ViewOptions whole = Plain with { Scale = (1, 1), AspectRatio = (1, 1), BlurRadius = (1.5, 1.5), Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0 };
        PlanarImage expected = new();
        new Resampler().Resize(Picture(40, 40), 24, 24, ResizeFilter.Bicubic, expected);
        switch (step)
        {
            case "flip":
                whole = whole with { FlipProbability = 1 };
                Geometry.FlipHorizontal(expected);
                break;
            case "gray":
                whole = whole with { GrayscaleProbability = 1 };
                ColorTransforms.Grayscale(expected);
                break;
            case "blur":
                whole = whole with { BlurProbability = 1 };
                new GaussianBlur().Apply(expected, 1.5f);
                break;
            case "solarize":
                whole = whole with { SolarizeProbability = 1 };
                ColorTransforms.Solarize(expected);
                break;
            default:
                // Without strength the jitter leaves the picture alone, although a hue shift of 0 would round it.
                whole = whole with { JitterProbability = 1 };
                break;
        }

        float[] wanted = new float[3 * 24 * 24], actual = new float[3 * 24 * 24];
        PixelNormalization.ImageNet.Write(expected, wanted);
        new MultiCropAugmentation([whole], PixelNormalization.ImageNet).CreateWriter().Write(Picture(40, 40), 0, new CounterRandom(new RandomKey(5)), actual);
        Assert.Equal(wanted, actual);
    }

    [Fact]
    public void Probabilities_are_kept()
    {
        ViewOptions view = Plain with { Size = 4, GrayscaleProbability = 0.2, Scale = (1, 1), AspectRatio = (1, 1) };
        ISampleWriter writer = new MultiCropAugmentation([view], PixelNormalization.None).CreateWriter();
        Image picture = Picture(8, 8);
        float[] floats = new float[48];
        int gray = 0;
        const int Draws = 5000;
        for (uint i = 0; i < Draws; i++)
        {
            writer.Write(picture, 0, new CounterRandom(new RandomKey(9, 0, i)), floats);
            gray += floats.AsSpan(0, 16).SequenceEqual(floats.AsSpan(16, 16)) ? 1 : 0;
        }

        // Binomial: standard deviation 28 around 1000; the bound is 5 of them.
        Assert.InRange(gray, 860, 1140);
    }

    [Fact]
    public void A_warm_writer_allocates_nothing()
    {
        MultiCropAugmentation augmentation = new(new MultiCropOptions { GlobalSize = 32, LocalSize = 16 });
        ISampleWriter writer = augmentation.CreateWriter();
        Image picture = Picture(64, 48);
        float[] view = new float[3 * 32 * 32];
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            for (uint i = 0; i < 200; i++)
                writer.Write(picture, (int)(i % 2), new CounterRandom(new RandomKey(3, 0, i)), view);
        }
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        Assert.Contains("LocalCrops", Assert.Throws<ArgumentException>(() => new MultiCropOptions { LocalCrops = -1 }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("Scale", Assert.Throws<ArgumentException>(() => new MultiCropOptions { LocalScale = (0.5, 0.4) }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("BlurProbability", Assert.Throws<ArgumentException>(() => new MultiCropOptions { LocalBlurProbability = double.NaN }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("Hue", Assert.Throws<ArgumentException>(() => new MultiCropAugmentation([Plain with { Hue = 0.6 }], PixelNormalization.None)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(224, 256)]
    [InlineData(32, 37)]
    [InlineData(96, 110)]
    public void Evaluation_keeps_the_official_proportion(int size, int resized) => Assert.Equal(resized, Preprocessing.ForSize(size).ResizeTo);

    [Fact]
    public void Evaluation_equals_the_reference_pipeline()
    {
        using FixtureCase fixture = FixtureStore.Open("f_transforms_drawn/transforms");
        JsonElement arguments = fixture.Config.GetProperty("cases").EnumerateArray().Single(element => element.GetProperty("op").GetString() == "eval_pipeline");
        int size = arguments.GetProperty("center_crop").GetInt32();
        float[] view = new float[3 * size * size];
        Image picture = TransformCase.Read(fixture, arguments.GetProperty("input").GetString()!).ToImage();
        new EvaluationTransform(new Preprocessing { Size = size, ResizeTo = arguments.GetProperty("resize_short").GetInt32() }).CreateWriter().Write(picture, 0, default, view);
        string key = arguments.GetProperty("key").GetString()!;
        fixture.AssertClose(key, view, fixture.Doubles(key), 0);
    }

    private static Image Picture(int width, int height)
    {
        Image image = new(width, height);
        new Random(width).NextBytes(image.Pixels);
        return image;
    }
}
