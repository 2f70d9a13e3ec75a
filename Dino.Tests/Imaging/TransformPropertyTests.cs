using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Imaging.Transforms.Kernels;

namespace Dino.Tests.Imaging;

/// <summary>Vector kernels against one-line scalar versions, over sizes that leave every possible rest.</summary>
public sealed class TransformPropertyTests
{
    public static TheoryData<int, int> Sides => new() { { 1, 1 }, { 2, 1 }, { 1, 3 }, { 5, 4 }, { 7, 9 }, { 15, 16 }, { 16, 15 }, { 17, 3 }, { 31, 2 }, { 33, 5 }, { 47, 11 }, { 48, 3 }, { 64, 7 }, { 101, 13 } };

    [Theory]
    [MemberData(nameof(Sides))]
    public void Resize_equals_the_weighted_sums_in_every_corner(int width, int height)
    {
        Image image = Noise(130, 40);
        // The four corners: the last rows and columns have nothing behind them to read ahead into.
        foreach ((int left, int top) in new[] { (0, 0), (130 - width, 0), (0, 40 - height), (130 - width, 40 - height) })
        {
            foreach ((int w, int h, ResizeFilter filter, bool flip) in new[] { (8, 6, ResizeFilter.Bicubic, false), (37, 21, ResizeFilter.Lanczos, true), (1, 1, ResizeFilter.Bilinear, false), (width, height, ResizeFilter.Bicubic, true) })
            {
                PixelBox box = new(left, top, width, height);
                PlanarImage actual = new();
                new Resampler().Resize(image, box, w, h, filter, flip, actual);
                Assert.Equal(Resized(image, box, w, h, filter, flip).Pixels, actual.ToImage().Pixels);
            }
        }
    }

    [Theory]
    [InlineData(ResizeFilter.Nearest)]
    [InlineData(ResizeFilter.Bilinear)]
    [InlineData(ResizeFilter.Lanczos)]
    public void A_window_equals_that_part_of_the_whole(ResizeFilter filter)
    {
        Image image = Noise(61, 40);
        foreach ((int width, int height) in new[] { (19, 13), (61, 40), (97, 83) })
        {
            PlanarImage whole = new(), cropped = new(), window = new();
            new Resampler().Resize(image, width, height, filter, whole);
            foreach (PixelBox part in new[] { new PixelBox(0, 0, width, height), new(3, 2, 11, 9), new(width - 1, height - 1, 1, 1), new(0, height - 5, width, 5), PixelBox.Center(width, height, 12, 12) })
            {
                Geometry.Crop(whole, part, cropped);
                new Resampler().Resize(image, width, height, part, filter, window);
                Assert.Equal(cropped.ToImage().Pixels, window.ToImage().Pixels);
            }
        }
    }

    /// <summary>The whole would have 19 billion pixels.</summary>
    [Fact]
    public void A_window_of_an_endless_picture_costs_no_more_than_itself()
    {
        Image image = new(300_000, 1);
        // The middle of the result lies between two pixels; bicubic weights reach one further on each side.
        image.Pixels.AsSpan(3 * 149_996, 3 * 8).Fill(200);
        (int width, int height) = PixelBox.ScaledSides(image.Width, image.Height, 256);
        PlanarImage window = new();
        new Resampler().Resize(image, width, height, PixelBox.Center(width, height, 224, 224), ResizeFilter.Bicubic, window);
        Assert.DoesNotContain(window.ToImage().Pixels, value => value != 200);
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public void Blur_equals_box_sums_with_repeated_borders(int width, int height)
    {
        foreach (float radius in new[] { 0.1f, 0.9f, 1.7f, 2f, 6.5f, 40f })
        {
            PlanarImage image = new(Noise(width, height));
            int[][] planes = [.. Enumerable.Range(0, 3).Select(channel => image.Plane(channel).ToArray().Select(value => (int)value).ToArray())];
            new GaussianBlur().Apply(image, radius);
            for (int channel = 0; channel < 3; channel++)
                Assert.Equal(Blurred(planes[channel], width, height, radius), image.Plane(channel).ToArray().Select(value => (int)value));
        }
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public void Colour_and_normalisation_equal_their_formulas(int width, int height)
    {
        Image source = Noise(width, height);
        PlanarImage image = new();
        foreach (float factor in new[] { 0f, 0.35f, 1f, 1.71f })
        {
            int gray = (int)((source.Pixels.Chunk(3).Sum(Luma) / (double)(width * height)) + 0.5);
            Check(() => ColorTransforms.Brightness(image, factor), (_, value) => Blend(0, value, factor));
            Check(() => ColorTransforms.Contrast(image, factor), (_, value) => Blend(gray, value, factor));
            Check(() => ColorTransforms.Saturation(image, factor), (pixel, value) => Blend(Luma(pixel), value, factor));
        }

        Check(() => ColorTransforms.Grayscale(image), (pixel, _) => (byte)Luma(pixel));
        foreach (int threshold in new[] { 0, 1, 128, 255, 256 })
            Check(() => ColorTransforms.Solarize(image, threshold), (_, value) => (byte)(value >= threshold ? 255 - value : value));

        image.CopyFrom(source);
        float[] floats = new float[3 * width * height];
        PixelNormalization.ImageNet.Write(image, floats);
        for (int i = 0; i < width * height; i++)
            Assert.Equal(((source.Pixels[(3 * i) + 1] / 255f) - 0.456f) / 0.224f, floats[(width * height) + i]);

        void Check(Action transform, Func<byte[], byte, byte> formula)
        {
            image.CopyFrom(source);
            transform();
            Assert.Equal(source.Pixels.Chunk(3).SelectMany(pixel => pixel.Select(value => formula(pixel, value))), image.ToImage().Pixels);
        }
    }

    [Fact]
    public void Boxes_outside_the_picture_and_wrong_arguments_are_refused()
    {
        Image image = Noise(4, 4);
        PlanarImage target = new();
        Assert.Contains("4 x 4", Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler().Resize(image, new PixelBox(1, 0, 4, 4), 2, 2, ResizeFilter.Bicubic, false, target)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler().Resize(image, new PixelBox(int.MaxValue, 0, 2, 2), 2, 2, ResizeFilter.Bicubic, false, target));
        Assert.Throws<ArgumentOutOfRangeException>(() => ColorTransforms.Hue(new PlanarImage(image), double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => ColorTransforms.Brightness(new PlanarImage(image), -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GaussianBlur().Apply(new PlanarImage(image), float.PositiveInfinity));
        Assert.Contains("[3, 4, 4] = 48", Assert.Throws<ArgumentException>(() => PixelNormalization.None.Write(new PlanarImage(image), new float[47])).Message, StringComparison.Ordinal);
    }

    private static Image Noise(int width, int height)
    {
        Image image = new(width, height);
        new Random((width * 1000) + height).NextBytes(image.Pixels);
        return image;
    }

    private static int Luma(byte[] pixel) => ((19595 * pixel[0]) + (38470 * pixel[1]) + (7471 * pixel[2]) + 32768) >> 16;

    private static byte Blend(int towards, int value, float factor) => (byte)Math.Clamp(towards + (factor * (value - towards)), 0, 255);

    private static Image Resized(Image image, PixelBox box, int width, int height, ResizeFilter filter, bool flip)
    {
        ResampleWeights columns = new(), rows = new();
        columns.Compute(box.Width, width, 0, width, filter, flip);
        rows.Compute(box.Height, height, 0, height, filter, mirror: false);
        Image narrowed = new(width, box.Height), result = new(width, height);
        for (int y = 0; y < box.Height; y++)
        {
            for (int i = 0; i < 3 * width; i++)
                narrowed.Row(y)[i] = Sum(columns, i / 3, t => image.Row(box.Top + y)[(3 * (box.Left + t)) + (i % 3)]);
        }

        for (int y = 0; y < height; y++)
        {
            for (int i = 0; i < 3 * width; i++)
                result.Row(y)[i] = Sum(rows, y, t => narrowed.Row(t)[i]);
        }

        return result;

        static byte Sum(ResampleWeights weights, int at, Func<int, byte> value) => (byte)Math.Clamp(
            (Enumerable.Range(0, weights.Count[at]).Sum(t => weights.Values[(at * weights.Taps) + t] * value(weights.Start[at] + t)) + (1 << 21)) >> 22, 0, 255);
    }

    private static int[] Blurred(int[] plane, int width, int height, float radius)
    {
        BoxKernel box = BoxKernel.ForGaussian(radius, 3);
        for (int pass = 0; pass < 6; pass++)
        {
            int[] next = new int[plane.Length];
            for (int i = 0; i < plane.Length; i++)
            {
                (int x, int y) = (i % width, i / width);
                int At(int offset) => pass < 3 ? plane[(y * width) + Math.Clamp(x + offset, 0, width - 1)] : plane[(Math.Clamp(y + offset, 0, height - 1) * width) + x];
                uint sum = (uint)Enumerable.Range(-box.Radius, (2 * box.Radius) + 1).Sum(At);
                next[i] = (int)(((sum * box.Full) + ((uint)(At(-box.Radius - 1) + At(box.Radius + 1)) * box.Edge) + (1u << 23)) >> 24);
            }

            plane = next;
        }

        return plane;
    }
}
