using System.Buffers;
using System.IO.Compression;

namespace Dino.Imaging.Png;

/// <summary>Decodes PNG: every colour type and depth, interlaced or not. Equal to Pillow's <c>convert("RGB")</c> pixel for pixel.</summary>
/// <remarks>
/// Alpha and tRNS are dropped, not blended; gamma and colour profiles are not applied; of an animation the default image is read.
/// Checksums of all chunks up to the end of the image data are verified.
/// </remarks>
public sealed class PngDecoder : IImageDecoder
{
    /// <summary>Deflate's largest expansion: 258 bytes from two bits.</summary>
    private const long MaxExpansion = 1032;

    // Origin and step of the seven Adam7 passes, columns and rows.
    private static ReadOnlySpan<byte> PassX => [0, 4, 0, 2, 0, 1, 0];

    private static ReadOnlySpan<byte> PassY => [0, 0, 4, 0, 2, 0, 1];

    private static ReadOnlySpan<byte> PassStepX => [8, 8, 4, 4, 2, 2, 1];

    private static ReadOnlySpan<byte> PassStepY => [8, 8, 8, 4, 4, 2, 2];

    /// <summary>
    /// Take the high byte of 16-bit grey samples. Off by default: Pillow, and with it the reference pipeline, clips them at 255,
    /// which turns most such pictures white.
    /// </summary>
    public bool ScaleGray16 { get; init; }

    /// <inheritdoc/>
    public bool CanDecode(ReadOnlySpan<byte> header) => header.StartsWith(PngChunks.Signature);

    /// <inheritdoc/>
    public Image Decode(ReadOnlySpan<byte> data, DecodeLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (!CanDecode(data))
            throw new CorruptImageException("PNG: the signature is missing.");
        using PngChunks chunks = PngChunks.Read(data, limits);
        PngHeader header = chunks.Header;
        long expanded = ExpandedLength(header);
        if (expanded > MaxExpansion * chunks.CompressedLength)
            throw new CorruptImageException($"PNG: {header.Width} x {header.Height} pixels take {expanded} bytes, {chunks.CompressedLength} compressed bytes cannot hold them.");

        Image image = new(header.Width, header.Height);
        PngExpander expander = new(header, chunks.Palette, ScaleGray16);
        try
        {
            using ZLibStream inflate = new(chunks.OpenCompressed(), CompressionMode.Decompress);
            if (!header.Interlaced)
                ReadPass(inflate, header, expander, image, (0, 0, 1, 1));
            for (int pass = 0; header.Interlaced && pass < 7; pass++)
                ReadPass(inflate, header, expander, image, (PassX[pass], PassY[pass], PassStepX[pass], PassStepY[pass]));
            // Reading on makes inflate verify the Adler-32 checksum; surplus data is ignored.
            inflate.ReadByte();
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new CorruptImageException($"PNG: the compressed data is damaged: {error.Message}", error);
        }

        return image;
    }

    /// <summary>Bytes of all filtered rows with their filter bytes.</summary>
    private static long ExpandedLength(PngHeader header)
    {
        if (!header.Interlaced)
            return header.Height * (1 + header.RowBytes(header.Width));
        long total = 0;
        for (int pass = 0; pass < 7; pass++)
        {
            int width = Count(header.Width, PassX[pass], PassStepX[pass]);
            total += width == 0 ? 0 : Count(header.Height, PassY[pass], PassStepY[pass]) * (1 + header.RowBytes(width));
        }

        return total;
    }

    private static void ReadPass(Stream inflate, PngHeader header, PngExpander expander, Image image, (int X, int Y, int StepX, int StepY) pass)
    {
        int width = Count(header.Width, pass.X, pass.StepX);
        if (width == 0)
            return;
        int length = 1 + (int)header.RowBytes(width);
        byte[] row = ArrayPool<byte>.Shared.Rent(length);
        byte[] above = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            above.AsSpan(0, length).Clear();
            for (int y = pass.Y; y < header.Height; y += pass.StepY)
            {
                int read = inflate.ReadAtLeast(row.AsSpan(0, length), length, throwOnEndOfStream: false);
                if (read < length)
                    throw new CorruptImageException($"PNG: the compressed data ends in row {y} of {header.Height}.");
                if (!PngFilter.Undo(row[0], row.AsSpan(1, length - 1), above.AsSpan(1, length - 1), header.FilterDistance))
                    throw new CorruptImageException($"PNG: row {y} uses filter {row[0]}, only 0 to 4 exist.");
                expander.Expand(row.AsSpan(1, length - 1), width, image.Row(y), pass.X, pass.StepX);
                (row, above) = (above, row);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(row);
            ArrayPool<byte>.Shared.Return(above);
        }
    }

    /// <summary>How many of the positions origin, origin + step, ... lie below <paramref name="length"/>.</summary>
    private static int Count(int length, int origin, int step) => Math.Max(0, (length - origin + step - 1) / step);
}
