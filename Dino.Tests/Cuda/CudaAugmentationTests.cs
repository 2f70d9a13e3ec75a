using Dino.Cuda;
using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Cuda;

/// <summary>Views that a CUDA device makes are those of the CPU, bit for bit: before normalisation all is integers, or floats with the same roundings.</summary>
public sealed class CudaAugmentationTests
{
    private static readonly ViewOptions Plain = new() { Size = 16, FlipProbability = 0, JitterProbability = 0, GrayscaleProbability = 0, BlurProbability = 0 };

    // A crop of everything, without a resize where the picture has the size of the view.
    private static readonly ViewOptions Whole = Plain with { Scale = (1, 1), AspectRatio = (1, 1) };

    [Theory]
    [InlineData(40, 0)]
    [InlineData(33, 1)]
    [InlineData(7, 0)]
    [InlineData(1, 0)]
    public void Random_views_of_pictures_of_any_size_are_those_of_the_CPU(int side, int skew)
    {
        ViewOptions view = new() { Size = side, BlurProbability = 0.5, SolarizeProbability = 0.3, Scale = (0.05, 1) };
        Image[] pictures = [Noise(1, 1), Noise(1, 50), Noise(60, 1), Noise(7, 5), Noise(150, 90), Noise(64, 64), Gray(30, 20), Noise(3, 200)];
        AssertEqual(view, PixelNormalization.ImageNet, [.. pictures, .. pictures, .. pictures], skew);
    }

    [Fact]
    public void The_official_views_of_a_photograph_are_those_of_the_CPU()
    {
        IReadOnlyList<ViewOptions> views = new MultiCropOptions().Views();
        foreach (ViewOptions view in (ViewOptions[])[views[0], views[1], views[2]])
            AssertEqual(view, PixelNormalization.ImageNet, [Noise(500, 375, view.Size), Edges(333, 500)]);
    }

    [Theory]
    [InlineData(ResizeFilter.Box)]
    [InlineData(ResizeFilter.Bilinear)]
    [InlineData(ResizeFilter.Bicubic)]
    public void Every_filter_resizes_as_on_the_CPU(ResizeFilter filter)
    {
        ViewOptions view = Plain with { Filter = filter, FlipProbability = 0.5, Scale = (0.3, 1), AspectRatio = (0.1, 10) };
        AssertEqual(view, PixelNormalization.None, [Noise(1000, 3), Noise(2, 900), Noise(5, 5), Noise(16, 16), Noise(17, 15), Edges(200, 120), Edges(9, 40), Noise(48, 32)]);
        AssertEqual(view with { Size = 70 }, PixelNormalization.None, [Noise(100, 90), Edges(30, 300), Noise(1, 1)]);
    }

    [Theory]
    [InlineData(ResizeFilter.Box)]
    [InlineData(ResizeFilter.Bilinear)]
    [InlineData(ResizeFilter.Bicubic)]
    public void Views_of_pictures_for_which_there_is_no_room_are_those_of_the_CPU(ResizeFilter filter)
    {
        ViewOptions view = new() { Size = 17, Filter = filter, BlurProbability = 0.5, SolarizeProbability = 0.5, Scale = (0.05, 1) };
        Image[] pictures = [.. Enumerable.Range(0, 6).Select(seed => Noise(60, 45, seed)), Edges(30, 80), Noise(7, 5), Noise(18, 17)];
        // No room at all, and for the first three.
        AssertEqual(view, PixelNormalization.ImageNet, pictures, limit: 0);
        AssertEqual(view, PixelNormalization.ImageNet, pictures, limit: 3 * 3 * 60 * 45);
    }

    [Theory]
    [InlineData("brightness")]
    [InlineData("contrast")]
    [InlineData("saturation")]
    [InlineData("all")]
    public void Jitter_rounds_as_on_the_CPU(string which)
    {
        double Strength(string name) => which == name || which == "all" ? 1.7 : 0;
        ViewOptions view = Whole with { JitterProbability = 1, Brightness = Strength("brightness"), Contrast = Strength("contrast"), Saturation = Strength("saturation"), Hue = which == "all" ? 0.5 : 0 };
        AssertEqual(view, PixelNormalization.None, [.. Enumerable.Range(0, 12).Select(seed => Noise(16, 16, seed)), Gray(16, 16), new Image(16, 16), Edges(16, 16)]);
    }

    [Fact]
    public void The_hue_of_every_kind_of_colour_turns_as_on_the_CPU()
    {
        // All combinations of 41 levels with the extremes among them, then noise.
        byte[] levels = [.. Enumerable.Range(0, 40).Select(i => (byte)(i * 13 / 2)), 255];
        byte[] colours = [.. from red in levels from green in levels from blue in levels from value in (byte[])[red, green, blue] select value];
        Image[] pictures = [.. colours.Chunk(3 * 96 * 96).Select(chunk => new Image(96, 96, [.. chunk, .. new byte[(3 * 96 * 96) - chunk.Length]])), Noise(96, 96)];
        AssertEqual(Whole with { Size = 96, JitterProbability = 1, Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0.5 }, PixelNormalization.None, pictures);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(0.9)]
    [InlineData(1.99)]
    [InlineData(6.5)]
    [InlineData(60)]
    public void Blur_of_any_radius_is_that_of_the_CPU(double radius)
    {
        foreach (int side in (int[])[1, 12, 45])
            AssertEqual(Whole with { Size = side, BlurProbability = 1, BlurRadius = (radius, radius), SolarizeProbability = 0.5 }, PixelNormalization.ImageNet, [Noise(side, side), Edges(side, side)]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(128)]
    [InlineData(255)]
    [InlineData(256)]
    public void Solarisation_and_grayscale_are_those_of_the_CPU(int threshold) =>
        AssertEqual(Whole with { GrayscaleProbability = 0.5, SolarizeProbability = 1, SolarizeThreshold = threshold }, PixelNormalization.ImageNet, [.. Enumerable.Range(0, 6).Select(seed => Noise(16, 16, seed))]);

    [Fact]
    public void A_view_with_more_rows_than_a_block_blurs_is_that_of_the_CPU() =>
        AssertEqual(Whole with { Size = 141, BlurProbability = 1 }, PixelNormalization.None, [Noise(20, 20)]);

    [Fact]
    public void A_batch_takes_the_place_of_the_one_before()
    {
        using DeviceBed bed = new(Devices.Create("cuda"));
        using Augmentation augmentation = bed.Backend.CreateAugmentation()!;
        // Few small pictures, many large ones, few again; tables and pictures outgrow their memory.
        foreach ((int count, int side) in ((int, int)[])[(2, 10), (90, 30), (3, 500), (1, 4)])
            AssertEqual(bed, augmentation, Plain with { Size = 6 }, PixelNormalization.None, [.. Enumerable.Range(0, count).Select(seed => Noise(side, side, seed))]);
    }

    [Fact]
    public void A_warm_batch_allocates_nothing_on_the_host()
    {
        using DeviceBed bed = new(Devices.Create("cuda"));
        using Augmentation augmentation = bed.Backend.CreateAugmentation()!;
        MultiCropAugmentation views = new([new ViewOptions { Size = 8 }], PixelNormalization.ImageNet);
        Image[] pictures = [Noise(20, 30), Noise(9, 9)];
        using PictureBatch batch = new(augmentation, views, pictures.Length, long.MaxValue);
        CropFormat format = Format(8, CropFilter.Bicubic, PixelNormalization.ImageNet);
        View y = bed.Take([pictures.Length, 3, 8, 8]);
        long bytes = 0;
        for (int i = 0; i < 4; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Fill(batch, views, pictures);
            augmentation.Upload(batch.Pictures);
            augmentation.Make(batch.Crops(0, 1), format, y);
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            bed.Backend.Synchronize();
        }

        Assert.Equal(0, bytes);
    }

    [Fact]
    public void Views_that_cannot_be_made_are_refused()
    {
        using DeviceBed bed = new(Devices.Create("cuda"));
        using Augmentation augmentation = bed.Backend.CreateAugmentation()!;
        CropFormat format = Format(8, CropFilter.Bicubic, PixelNormalization.None);
        View y = bed.Take([1, 3, 8, 8]);
        Assert.Contains("box of 0 x 5", Assert.Throws<ArgumentException>(() => augmentation.Make([new PictureCrop { Height = 5 }], format, y)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeMismatchException>(() => augmentation.Make([default, default], format, y));
        using Repetition repetition = bed.Backend.CreateRepetition();
        using (repetition.Open())
        {
        }

        using (repetition.Open())
            Assert.Contains("before the turn", Assert.Throws<InvalidOperationException>(() => augmentation.Upload([new byte[3]])).Message, StringComparison.Ordinal);
        using CpuDevice cpu = new(1);
        Assert.Null(cpu.Backend.CreateAugmentation());
    }

    /// <summary>One view of each picture, made on both devices, of the same stream.</summary>
    private static void AssertEqual(ViewOptions view, PixelNormalization normalization, Image[] pictures, int skew = 0, long limit = long.MaxValue)
    {
        using DeviceBed bed = new(Devices.Create("cuda"), skew);
        using Augmentation augmentation = bed.Backend.CreateAugmentation()!;
        AssertEqual(bed, augmentation, view, normalization, pictures, limit);
    }

    private static void AssertEqual(DeviceBed bed, Augmentation augmentation, ViewOptions view, PixelNormalization normalization, Image[] pictures, long limit = long.MaxValue)
    {
        MultiCropAugmentation views = new([view], normalization);
        using PictureBatch batch = new(augmentation, views, pictures.Length, limit);
        Fill(batch, views, pictures);
        View y = bed.Take([pictures.Length, 3, view.Size, view.Size]);
        augmentation.Upload(batch.Pictures);
        augmentation.Make(batch.Crops(0, 1), Format(view.Size, Enum.Parse<CropFilter>(view.Filter.ToString()), normalization), y);
        float[] found = bed.ReadValues(y);
        ISampleWriter writer = views.CreateWriter();
        float[] expected = new float[3 * view.Size * view.Size];
        for (int row = 0; row < pictures.Length; row++)
        {
            writer.Write(pictures[row], 0, Stream(row), expected);
            ReadOnlySpan<float> made = found.AsSpan(row * expected.Length, expected.Length);
            int same = made.CommonPrefixLength(expected);
            if (same < expected.Length)
                Assert.Fail($"picture {row} ({pictures[row].Width} x {pictures[row].Height}), {views.Decide(pictures[row].Width, pictures[row].Height, 0, Stream(row))}: element {same} is {made[same] * 255}, on the CPU {expected[same] * 255}.");
        }
    }

    private static void Fill(PictureBatch batch, MultiCropAugmentation views, Image[] pictures)
    {
        batch.Clear(pictures.Length);
        for (int row = 0; row < pictures.Length; row++)
            batch.Add(row, pictures[row], [views.Decide(pictures[row].Width, pictures[row].Height, 0, Stream(row))]);
    }

    private static CropFormat Format(int side, CropFilter filter, PixelNormalization normalization) => new(side, filter, normalization.Mean, normalization.StandardDeviation);

    private static CounterRandom Stream(int row) => new(new RandomKey(3, 1, (uint)row));

    private static Image Noise(int width, int height, int seed = 0)
    {
        Image image = new(width, height);
        new Random(width + (1000 * height) + seed).NextBytes(image.Pixels);
        return image;
    }

    /// <summary>Black and white: the overshoot of a cubic filter has to be clamped.</summary>
    private static Image Edges(int width, int height)
    {
        Image image = new(width, height);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)((i / 7 % 2) * 255);
        return image;
    }

    private static Image Gray(int width, int height)
    {
        Image image = new(width, height);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(i / 3 * 7);
        return image;
    }
}
