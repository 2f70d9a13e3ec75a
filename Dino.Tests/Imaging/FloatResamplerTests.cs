using Dino.Imaging;
using Dino.Imaging.Transforms;

namespace Dino.Tests.Imaging;

/// <summary>Floats are resized with the weights that the definition gives, and are not rounded on the way.</summary>
public sealed class FloatResamplerTests
{
    public static TheoryData<int, int, int, int> Sizes => new() { { 37, 23, 16, 16 }, { 16, 16, 37, 23 }, { 100, 7, 9, 30 }, { 8, 8, 8, 8 }, { 1, 5, 3, 1 } };

    [Theory, MemberData(nameof(Sizes))]
    public void A_triangle_weighs_pixels_by_their_distance(int width, int height, int toWidth, int toHeight)
    {
        Image image = new(width, height);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(i * i * 31 % 251);
        float[] resized = new float[3 * toWidth * toHeight];
        new FloatResampler().Resize(image, toWidth, toHeight, new PixelBox(0, 0, toWidth, toHeight), ResizeFilter.Bilinear, resized);
        double[,] columns = Weights(width, toWidth), rows = Weights(height, toHeight);
        for (int i = 0; i < resized.Length; i++)
        {
            (int channel, int y, int x) = (i / (toWidth * toHeight), i / toWidth % toHeight, i % toWidth);
            double expected = 0;
            for (int from = 0; from < width * height; from++)
                expected += rows[y, from / width] * columns[x, from % width] * image.Pixels[(3 * from) + channel] / 255;
            // Each weight is rounded to a multiple of 2^-22, each product and sum to 24 bits: at most 26 taps an axis, values up to 1.
            Assert.Equal(expected, resized[i], 2 * 26 * (Math.Pow(2, -23) + Math.Pow(2, -24)));
        }
    }

    /// <summary>Where no filter overshoots, bytes are floats rounded twice: once after each pass.</summary>
    [Fact]
    public void Bytes_are_the_same_but_for_their_rounding()
    {
        Image image = new(61, 47);
        for (int i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(i * 7 % 256);
        float[] floats = new float[3 * 20 * 20];
        new FloatResampler().Resize(image, 20, 20, new PixelBox(0, 0, 20, 20), ResizeFilter.Bilinear, floats);
        PlanarImage bytes = new();
        new Resampler().Resize(image, 20, 20, ResizeFilter.Bilinear, bytes);
        for (int i = 0; i < floats.Length; i++)
            Assert.Equal(bytes.Plane(i / 400)[i % 400], floats[i] * 255, 1.001);
    }

    [Fact]
    public void A_window_is_a_part_of_the_whole()
    {
        Image image = new(61, 47);
        new Random(5).NextBytes(image.Pixels);
        PixelBox window = new(3, 7, 11, 9);
        float[] whole = new float[3 * 20 * 30], part = new float[3 * window.Width * window.Height];
        FloatResampler resampler = new();
        resampler.Resize(image, 20, 30, new PixelBox(0, 0, 20, 30), ResizeFilter.Bicubic, whole);
        resampler.Resize(image, 20, 30, window, ResizeFilter.Bicubic, part);
        for (int i = 0; i < part.Length; i++)
        {
            (int channel, int y, int x) = (i / 99, i % 99 / 11, i % 11);
            Assert.Equal(whole[(channel * 600) + ((y + window.Top) * 20) + x + window.Left], part[i]);
        }
    }

    [Fact]
    public void Wrong_sizes_and_filters_are_refused()
    {
        Image image = new(4, 4);
        Assert.Throws<ArgumentException>(() => new FloatResampler().Resize(image, 2, 2, new PixelBox(0, 0, 2, 2), ResizeFilter.Bilinear, new float[11]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FloatResampler().Resize(image, 0, 2, new PixelBox(0, 0, 1, 1), ResizeFilter.Bilinear, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FloatResampler().Resize(image, 2, 2, new PixelBox(0, 0, 2, 2), ResizeFilter.Nearest, new float[12]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FloatResampler().Resize(image, 2, 2, new PixelBox(1, 0, 2, 2), ResizeFilter.Bilinear, new float[12]));
    }

    /// <summary>[target, source]: a triangle as wide as the step between target pixels, or between source pixels if that is wider.</summary>
    private static double[,] Weights(int length, int target)
    {
        double scale = (double)length / target, reach = Math.Max(1, scale);
        double[,] weights = new double[target, length];
        for (int i = 0; i < target; i++)
        {
            double sum = 0;
            for (int t = 0; t < length; t++)
                sum += weights[i, t] = Math.Max(0, 1 - (Math.Abs(t + 0.5 - ((i + 0.5) * scale)) / reach));
            for (int t = 0; t < length; t++)
                weights[i, t] /= sum;
        }

        return weights;
    }
}
