using Dino.Imaging;

namespace Dino.Ssl.Plots;

/// <summary>Pictures of [height, width] maps of numbers, such as the attention of one head over the patches.</summary>
public static class HeatMap
{
    /// <summary>Draws a map in colours.</summary>
    /// <param name="values">Row-major, rows · columns. Values that are not finite get the lowest colour.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="width">Pixels per row of the picture.</param>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="upsampling">How cells become pixels.</param>
    /// <param name="colours">Viridis if null.</param>
    /// <param name="range">Values of the two ends of the colour map; lowest and highest of the map if null.</param>
    /// <exception cref="ArgumentException">The number of values is not rows · columns.</exception>
    public static Image Render(ReadOnlySpan<float> values, int rows, int columns, int width, int height, Upsampling upsampling = Upsampling.Nearest, ColourMap? colours = null, (float Low, float High)? range = null)
    {
        float[] map = Upsample(values, rows, columns, width, height, upsampling);
        (float low, float high) = range ?? Range(values);
        double scale = high > low ? 1.0 / (high - low) : 0;
        colours ??= ColourMap.Viridis;
        Image image = new(width, height);
        for (int i = 0; i < map.Length; i++)
            (image.Pixels[3 * i], image.Pixels[(3 * i) + 1], image.Pixels[(3 * i) + 2]) = colours.At((map[i] - low) * scale);
        return image;
    }

    /// <summary>Brings a map to another size; pixel centres correspond as in every common resize.</summary>
    /// <returns>Row-major, height · width.</returns>
    /// <exception cref="ArgumentException">The number of values is not rows · columns.</exception>
    public static float[] Upsample(ReadOnlySpan<float> values, int rows, int columns, int width, int height, Upsampling upsampling)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (values.Length != (long)rows * columns)
            throw new ArgumentException($"A map of {rows} x {columns} has {(long)rows * columns} values, {values.Length} were given.", nameof(values));
        float[] result = new float[checked(width * height)];
        for (int y = 0; y < height; y++)
        {
            (int top, int bottom, float v) = Source(y, height, rows, upsampling);
            for (int x = 0; x < width; x++)
            {
                (int left, int right, float u) = Source(x, width, columns, upsampling);
                float upper = Mix(values[(top * columns) + left], values[(top * columns) + right], u);
                float lower = Mix(values[(bottom * columns) + left], values[(bottom * columns) + right], u);
                result[(y * width) + x] = Mix(upper, lower, v);
            }
        }

        return result;
    }

    /// <summary>The two cells that a pixel lies between and its place on the way from one to the other.</summary>
    private static (int First, int Second, float Weight) Source(int pixel, int pixels, int cells, Upsampling upsampling)
    {
        double at = (pixel + 0.5) * cells / pixels;
        if (upsampling == Upsampling.Nearest)
        {
            int cell = Math.Min((int)at, cells - 1);
            return (cell, cell, 0);
        }

        double centred = Math.Clamp(at - 0.5, 0, cells - 1);
        int first = Math.Min((int)centred, cells - 1);
        return (first, Math.Min(first + 1, cells - 1), (float)(centred - first));
    }

    // Equal ends are taken as they are: an infinity times a weight of zero would become NaN.
    private static float Mix(float a, float b, float t) => t == 0 || a == b ? a : a + (t * (b - a));

    private static (float Low, float High) Range(ReadOnlySpan<float> values)
    {
        (float low, float high) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
        }

        return low <= high ? (low, high) : (0, 0);
    }
}
