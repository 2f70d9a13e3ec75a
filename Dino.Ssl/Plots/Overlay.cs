using Dino.Imaging;

namespace Dino.Ssl.Plots;

/// <summary>Pictures laid over pictures.</summary>
public static class Overlay
{
    /// <summary>Mixes two pictures of the same size.</summary>
    /// <param name="below">Shows where <paramref name="alpha"/> is small.</param>
    /// <param name="above">Shows where <paramref name="alpha"/> is large.</param>
    /// <param name="alpha">Share of <paramref name="above"/>, 0 to 1.</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static Image Blend(Image below, Image above, double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(alpha);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alpha, 1);
        if (below.Width != above.Width || below.Height != above.Height)
            throw new ArgumentException($"Blend: the pictures are {below.Width} x {below.Height} and {above.Width} x {above.Height}.", nameof(above));
        Image result = new(below.Width, below.Height);
        for (int i = 0; i < result.Pixels.Length; i++)
            result.Pixels[i] = Mix(below.Pixels[i], above.Pixels[i], alpha);
        return result;
    }

    /// <summary>Lays a map of numbers in colours over a picture.</summary>
    /// <param name="picture">Shows through.</param>
    /// <param name="values">Row-major, rows · columns.</param>
    /// <param name="rows">Rows of the map.</param>
    /// <param name="columns">Columns of the map.</param>
    /// <param name="alpha">Share of the map, 0 to 1.</param>
    /// <param name="upsampling">How cells become pixels.</param>
    /// <param name="colours">Viridis if null.</param>
    public static Image Heat(Image picture, ReadOnlySpan<float> values, int rows, int columns, double alpha = 0.6, Upsampling upsampling = Upsampling.Bilinear, ColourMap? colours = null) =>
        Blend(picture, HeatMap.Render(values, rows, columns, picture.Width, picture.Height, upsampling, colours), alpha);

    /// <summary>Tints the cells of a mask and leaves the rest as it is.</summary>
    /// <param name="picture">The picture below.</param>
    /// <param name="mask">Row-major, rows · columns; true is tinted.</param>
    /// <param name="rows">Rows of the mask.</param>
    /// <param name="columns">Columns of the mask.</param>
    /// <param name="colour">The tint.</param>
    /// <param name="alpha">Share of the tint, 0 to 1.</param>
    /// <exception cref="ArgumentException">The number of cells is not rows · columns.</exception>
    public static Image Mask(Image picture, ReadOnlySpan<bool> mask, int rows, int columns, (byte R, byte G, byte B) colour, double alpha = 0.5)
    {
        float[] cells = new float[mask.Length];
        for (int i = 0; i < cells.Length; i++)
            cells[i] = mask[i] ? 1 : 0;
        float[] cover = HeatMap.Upsample(cells, rows, columns, picture.Width, picture.Height, Upsampling.Nearest);
        Image result = new(picture.Width, picture.Height, [.. picture.Pixels]);
        for (int i = 0; i < cover.Length; i++)
        {
            if (cover[i] == 0)
                continue;
            Span<byte> pixel = result.Pixels.AsSpan(3 * i, 3);
            (pixel[0], pixel[1], pixel[2]) = (Mix(pixel[0], colour.R, alpha), Mix(pixel[1], colour.G, alpha), Mix(pixel[2], colour.B, alpha));
        }

        return result;
    }

    private static byte Mix(byte below, byte above, double alpha) => (byte)(below + (alpha * (above - below)) + 0.5);
}
