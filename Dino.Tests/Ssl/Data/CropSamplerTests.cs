using Dino.Imaging.Transforms;
using Dino.Ssl.Data;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Data;

/// <summary>The distribution of random resized crops, and that no picture is too small or too long for them.</summary>
public sealed class CropSamplerTests
{
    private static readonly (double, double) Ratio = (3.0 / 4.0, 4.0 / 3.0);

    [Theory]
    [InlineData(0.05, 0.4)]
    [InlineData(0.3, 0.5)]
    public void Area_ratio_and_position_are_distributed_as_asked(double min, double max)
    {
        const int Draws = 20_000, Width = 500, Height = 400;
        CounterRandom random = new(new RandomKey(1));
        double area = 0, logRatio = 0, x = 0, y = 0;
        for (int i = 0; i < Draws; i++)
        {
            PixelBox box = CropSampler.Draw(ref random, Width, Height, (min, max), Ratio);
            double part = (double)box.Width * box.Height / (Width * Height);
            // Rounding both sides of a box of at least 86 pixels moves its area by at most 1.2 %.
            Assert.InRange(part, min * 0.985, max * 1.015);
            Assert.InRange((double)box.Width / box.Height, 0.75 * 0.985, 1.015 / 0.75);
            area += part / Draws;
            logRatio += Math.Log((double)box.Width / box.Height) / Draws;
            x += (box.Left + (box.Width / 2.0)) / Width / Draws;
            y += (box.Top + (box.Height / 2.0)) / Height / Draws;
        }

        // Standard errors are below 0.0015 of each range; the bounds are 5 of them.
        Assert.Equal((min + max) / 2, area, 0.0075 * (max - min) * 2);
        Assert.Equal(0, logRatio, 0.0075);
        Assert.Equal(0.5, x, 0.0075);
        Assert.Equal(0.5, y, 0.0075);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 5000)]
    [InlineData(5000, 3)]
    [InlineData(32, 32)]
    public void Boxes_lie_inside_any_picture(int width, int height)
    {
        CounterRandom random = new(new RandomKey(2));
        for (int i = 0; i < 500; i++)
        {
            PixelBox box = CropSampler.Draw(ref random, width, height, (0.05, 1), Ratio);
            Assert.True(box.Width >= 1 && box.Height >= 1 && box.Left >= 0 && box.Top >= 0 && box.Left + box.Width <= width && box.Top + box.Height <= height, $"{box} in {width} x {height}");
        }
    }
}
