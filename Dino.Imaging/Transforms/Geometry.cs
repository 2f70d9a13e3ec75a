namespace Dino.Imaging.Transforms;

/// <summary>Transforms that move pixels and compute nothing.</summary>
public static class Geometry
{
    /// <summary>Mirrors left and right, in place.</summary>
    public static void FlipHorizontal(PlanarImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        for (int channel = 0; channel < 3; channel++)
        {
            Span<byte> plane = image.Plane(channel);
            for (int y = 0; y < image.Height; y++)
                plane.Slice(y * image.Width, image.Width).Reverse();
        }
    }

    /// <summary>Mirrors top and bottom, in place.</summary>
    public static void FlipVertical(PlanarImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int width = image.Width;
        for (int channel = 0; channel < 3; channel++)
        {
            Span<byte> plane = image.Plane(channel);
            for (int top = 0, bottom = image.Height - 1; top < bottom; top++, bottom--)
            {
                Span<byte> upper = plane.Slice(top * width, width), lower = plane.Slice(bottom * width, width);
                for (int x = 0; x < width; x++)
                    (upper[x], lower[x]) = (lower[x], upper[x]);
            }
        }
    }

    /// <summary>Cuts a box out of a picture; what the box covers outside the picture is black.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="box">Size of the result; left and top may be negative.</param>
    /// <param name="destination">Receives the result; another object than <paramref name="source"/>.</param>
    public static void Crop(PlanarImage source, PixelBox box, PlanarImage destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (ReferenceEquals(source, destination))
            throw new ArgumentException("A crop needs a destination of its own.", nameof(destination));
        destination.Reset(box.Width, box.Height);
        int x0 = Math.Max(0, -box.Left), x1 = Math.Min(box.Width, source.Width - box.Left);
        int y0 = Math.Max(0, -box.Top), y1 = Math.Min(box.Height, source.Height - box.Top);
        if (x0 > 0 || y0 > 0 || x1 < box.Width || y1 < box.Height)
            destination.Padded.Clear();
        if (x1 <= x0)
            return;
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<byte> from = source.Plane(channel);
            Span<byte> to = destination.Plane(channel);
            for (int y = y0; y < y1; y++)
                from.Slice(((y + box.Top) * source.Width) + x0 + box.Left, x1 - x0).CopyTo(to[((y * box.Width) + x0)..]);
        }
    }

    internal static void RequireInside(PixelBox box, int width, int height)
    {
        if (box.Width <= 0 || box.Height <= 0 || box.Left < 0 || box.Top < 0 || box.Left > width - box.Width || box.Top > height - box.Height)
            throw new ArgumentOutOfRangeException(nameof(box), $"The box of {box.Width} x {box.Height} pixels at column {box.Left}, row {box.Top} does not lie inside a picture of {width} x {height}.");
    }
}
