namespace Dino.Imaging;

/// <summary>What a decoder may spend on one picture. Sizes are checked against the header, before anything is allocated.</summary>
/// <remarks>
/// Beyond these limits both built-in decoders bound their work by the data they are given: a PNG may not declare more samples than
/// deflate can expand its data to (1032 : 1), a JPEG not more 8x8 blocks than it has bits.
/// </remarks>
public sealed record DecodeLimits
{
    /// <summary>100 million pixels, 512 MiB of encoded data, 100 scans.</summary>
    public static DecodeLimits Default { get; } = new();

    /// <summary>Largest width · height.</summary>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Largest encoded size in bytes.</summary>
    public long MaxBytes { get; init; } = 512L << 20;

    /// <summary>Most scans in one JPEG. Each scan may visit every block for a few bytes of data; encoders write about ten.</summary>
    public int MaxScans { get; init; } = 100;

    /// <summary>Checks that every limit is positive.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is zero or negative.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPixels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxScans);
    }

    /// <summary>Refuses a picture with more than <see cref="MaxPixels"/> pixels, or more than one array of RGB bytes holds.</summary>
    /// <param name="format">Named in the message: PNG, JPEG.</param>
    /// <param name="width">Pixels per row as the header declares them.</param>
    /// <param name="height">Rows as the header declares them.</param>
    /// <exception cref="ImageTooLargeException">The picture is too large.</exception>
    public void CheckSize(string format, long width, long height)
    {
        // Sides come from at most 32 bits each: the product fits in 128 bits but not always in 64.
        Int128 pixels = (Int128)width * height;
        if (pixels > MaxPixels)
            throw new ImageTooLargeException($"{format}: {width} x {height} = {pixels} pixels, the limit is {MaxPixels} (DecodeLimits.MaxPixels).");
        if (pixels * 3 > Array.MaxLength)
            throw new ImageTooLargeException($"{format}: {width} x {height} RGB pixels exceed the {Array.MaxLength} bytes of one array.");
    }

    /// <summary>Refuses encoded data longer than <see cref="MaxBytes"/>.</summary>
    /// <exception cref="ImageTooLargeException">The data is too long.</exception>
    public void CheckBytes(long bytes)
    {
        if (bytes > MaxBytes)
            throw new ImageTooLargeException($"The encoded picture has {bytes} bytes, the limit is {MaxBytes} (DecodeLimits.MaxBytes).");
    }
}
