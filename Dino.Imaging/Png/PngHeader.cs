using System.Buffers.Binary;

namespace Dino.Imaging.Png;

/// <summary>What a PNG pixel holds; the values are those of the IHDR chunk.</summary>
internal enum PngColorType : byte
{
    Gray = 0,
    Rgb = 2,
    Palette = 3,
    GrayAlpha = 4,
    Rgba = 6,
}

/// <summary>The IHDR chunk.</summary>
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColorType ColorType, bool Interlaced)
{
    /// <summary>Samples per pixel.</summary>
    public int Channels => ColorType switch
    {
        PngColorType.Rgb => 3,
        PngColorType.Rgba => 4,
        PngColorType.GrayAlpha => 2,
        _ => 1,
    };

    /// <summary>Bits per pixel, 1 to 64.</summary>
    public int BitsPerPixel => Channels * BitDepth;

    /// <summary>Distance the row filters look back: bytes per pixel, at least 1.</summary>
    public int FilterDistance => Math.Max(1, BitsPerPixel / 8);

    /// <summary>Bytes of a filtered row of <paramref name="width"/> pixels without its filter byte.</summary>
    public long RowBytes(int width) => ((long)width * BitsPerPixel + 7) / 8;

    /// <summary>Reads and checks the 13 bytes of IHDR.</summary>
    /// <exception cref="ImageException">A field is invalid, or the size exceeds the limits.</exception>
    public static PngHeader Parse(ReadOnlySpan<byte> data, DecodeLimits limits)
    {
        if (data.Length != 13)
            throw new CorruptImageException($"PNG: IHDR has {data.Length} bytes instead of 13.");
        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        if (width == 0 || height == 0)
            throw new CorruptImageException($"PNG: IHDR declares an empty picture of {width} x {height} pixels.");
        limits.CheckSize("PNG", width, height);

        (int depth, PngColorType type) = (data[8], (PngColorType)data[9]);
        bool valid = type switch
        {
            PngColorType.Gray => depth is 1 or 2 or 4 or 8 or 16,
            PngColorType.Palette => depth is 1 or 2 or 4 or 8,
            PngColorType.Rgb or PngColorType.GrayAlpha or PngColorType.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!valid)
            throw new CorruptImageException($"PNG: colour type {(int)type} with {depth} bits per sample does not exist.");
        if (data[10] != 0 || data[11] != 0 || data[12] > 1)
            throw new CorruptImageException($"PNG: compression {data[10]}, filter {data[11]}, interlace {data[12]}: only 0, 0 and 0 or 1 are defined.");
        PngHeader header = new((int)width, (int)height, depth, type, data[12] == 1);
        if (header.RowBytes(header.Width) >= Array.MaxLength)
            throw new ImageTooLargeException($"PNG: a row of {header.RowBytes(header.Width)} bytes exceeds one array.");
        return header;
    }
}
