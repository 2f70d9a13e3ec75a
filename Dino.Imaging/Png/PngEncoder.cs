using System.Buffers.Binary;
using System.IO.Compression;

namespace Dino.Imaging.Png;

/// <summary>Writes 8-bit PNG files, RGB or grey, with the row filter chosen per row.</summary>
public static class PngEncoder
{
    /// <summary>Writes a file; an existing one is replaced.</summary>
    public static void Save(Image image, string path, CompressionLevel level = CompressionLevel.Optimal)
    {
        using FileStream file = File.Create(path);
        Encode(image, file, level);
    }

    /// <summary>Writes an RGB picture; the stream stays open.</summary>
    public static void Encode(Image image, Stream stream, CompressionLevel level = CompressionLevel.Optimal)
    {
        ArgumentNullException.ThrowIfNull(image);
        Encode(image.Pixels, image.Width, image.Height, PngColorType.Rgb, stream, level);
    }

    /// <summary>Writes a grey picture, such as an attention map.</summary>
    /// <param name="gray">width · height samples, row by row.</param>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="stream">Stays open.</param>
    /// <param name="level">Deflate effort.</param>
    /// <exception cref="ArgumentException">The number of samples does not match the sides.</exception>
    public static void EncodeGray(ReadOnlySpan<byte> gray, int width, int height, Stream stream, CompressionLevel level = CompressionLevel.Optimal)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (gray.Length != (long)width * height)
            throw new ArgumentException($"{width} x {height} grey pixels take {(long)width * height} bytes, there are {gray.Length}.", nameof(gray));
        Encode(gray, width, height, PngColorType.Gray, stream, level);
    }

    private static void Encode(ReadOnlySpan<byte> pixels, int width, int height, PngColorType type, Stream stream, CompressionLevel level)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Write(PngChunks.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        (header[8], header[9], header[10], header[11], header[12]) = (8, (byte)type, 0, 0, 0);
        WriteChunk(stream, "IHDR"u8, header);

        using MemoryStream compressed = new();
        using (ZLibStream deflate = new(compressed, level, leaveOpen: true))
            WriteRows(pixels, width, height, type == PngColorType.Rgb ? 3 : 1, deflate);
        WriteChunk(stream, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        WriteChunk(stream, "IEND"u8, []);
    }

    private static void WriteRows(ReadOnlySpan<byte> pixels, int width, int height, int channels, ZLibStream deflate)
    {
        int length = width * channels;
        byte[] candidate = new byte[1 + length];
        byte[] best = new byte[1 + length];
        ReadOnlySpan<byte> above = new byte[length];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> row = pixels.Slice(y * length, length);
            long bestCost = long.MaxValue;
            for (int filter = 0; filter <= PngFilter.Paeth; filter++)
            {
                candidate[0] = (byte)filter;
                PngFilter.Apply(filter, row, above, channels, candidate.AsSpan(1));
                long cost = Cost(candidate.AsSpan(1));
                if (cost < bestCost)
                    (best, candidate, bestCost) = (candidate, best, cost);
            }

            deflate.Write(best);
            above = row;
        }
    }

    /// <summary>Sum of the magnitudes as signed bytes: the heuristic the PNG specification recommends (section 12.8).</summary>
    private static long Cost(ReadOnlySpan<byte> filtered)
    {
        long sum = 0;
        foreach (byte value in filtered)
            sum += value < 128 ? value : 256 - value;
        return sum;
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, content.Length);
        stream.Write(word);
        stream.Write(type);
        stream.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(word, PngCrc.Append(PngCrc.Append(0, type), content));
        stream.Write(word);
    }
}
