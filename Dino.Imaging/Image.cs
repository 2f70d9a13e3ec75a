namespace Dino.Imaging;

/// <summary>An RGB picture in memory: 8 bits per channel, channels interleaved, rows from top to bottom without padding.</summary>
public sealed class Image
{
    /// <summary>A black picture.</summary>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or the picture exceeds what one array holds.</exception>
    public Image(int width, int height)
        : this(width, height, new byte[ByteCount(width, height)])
    {
    }

    /// <summary>Wraps existing pixels; the array is not copied.</summary>
    /// <param name="width">Pixels per row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">R, G, B, R, G, B, ... row by row: width · height · 3 bytes.</param>
    /// <exception cref="ArgumentException">The array has another length than the sides ask for.</exception>
    public Image(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        int expected = ByteCount(width, height);
        if (pixels.Length != expected)
            throw new ArgumentException($"{width} x {height} RGB pixels take {expected} bytes, the array has {pixels.Length}.", nameof(pixels));
        (Width, Height, Pixels) = (width, height, pixels);
    }

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>R, G, B, R, G, B, ... row by row: <see cref="Width"/> · <see cref="Height"/> · 3 bytes.</summary>
    public byte[] Pixels { get; }

    /// <summary>The <see cref="Width"/> · 3 bytes of row <paramref name="y"/>, writable.</summary>
    public Span<byte> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
        int stride = Width * 3;
        return Pixels.AsSpan(y * stride, stride);
    }

    private static int ByteCount(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        long bytes = (long)width * height * 3;
        if (width > Array.MaxLength || bytes > Array.MaxLength)
            throw new ArgumentOutOfRangeException(nameof(width), $"{width} x {height} RGB pixels take {bytes} bytes, one array holds {Array.MaxLength}.");
        return (int)bytes;
    }
}
