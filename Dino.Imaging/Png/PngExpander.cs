namespace Dino.Imaging.Png;

/// <summary>Turns unfiltered rows of any colour type and depth into RGB bytes the way Pillow's <c>convert("RGB")</c> does.</summary>
internal readonly struct PngExpander(PngHeader header, byte[]? palette, bool scaleGray16)
{
    /// <summary>Writes the pixels of one row.</summary>
    /// <param name="row">Unfiltered samples, at least <paramref name="count"/> pixels.</param>
    /// <param name="count">Pixels to write.</param>
    /// <param name="rgb">A row of the picture.</param>
    /// <param name="start">First column to write.</param>
    /// <param name="step">Columns from one pixel to the next; 1 unless interlaced.</param>
    public void Expand(ReadOnlySpan<byte> row, int count, Span<byte> rgb, int start, int step)
    {
        rgb = rgb[(start * 3)..];
        int stride = step * 3;
        int bytes = header.BitDepth / 8;
        switch (header.ColorType)
        {
            case PngColorType.Rgb when header.BitDepth == 8 && step == 1:
                row[..(count * 3)].CopyTo(rgb);
                break;
            case PngColorType.Rgb or PngColorType.Rgba:
                // 16-bit samples keep their high byte; alpha is dropped.
                for (int i = 0, from = 0, to = 0; i < count; i++, from += header.Channels * bytes, to += stride)
                    (rgb[to], rgb[to + 1], rgb[to + 2]) = (row[from], row[from + bytes], row[from + 2 * bytes]);
                break;
            case PngColorType.GrayAlpha:
                for (int i = 0, to = 0; i < count; i++, to += stride)
                    Gray(rgb, to, row[i * 2 * bytes]);
                break;
            case PngColorType.Gray when header.BitDepth == 16:
                // Pillow reads 16-bit grey as integers and clips them at 255.
                for (int i = 0, to = 0; i < count; i++, to += stride)
                    Gray(rgb, to, scaleGray16 || row[i * 2] == 0 ? row[i * 2 + (scaleGray16 ? 0 : 1)] : (byte)255);
                break;
            case PngColorType.Gray when header.BitDepth == 8:
                for (int i = 0, to = 0; i < count; i++, to += stride)
                    Gray(rgb, to, row[i]);
                break;
            default:
                ExpandPacked(row, count, rgb, stride);
                break;
        }
    }

    /// <summary>Palette indices of 1 to 8 bits and grey of 1 to 4 bits, most significant bits first.</summary>
    private void ExpandPacked(ReadOnlySpan<byte> row, int count, Span<byte> rgb, int stride)
    {
        int depth = header.BitDepth;
        int mask = (1 << depth) - 1;
        // 255 is divisible by 1, 3 and 15: grey scales exactly.
        int scale = 255 / mask;
        for (int i = 0, to = 0; i < count; i++, to += stride)
        {
            int bit = i * depth;
            int value = (row[bit >> 3] >> (8 - depth - (bit & 7))) & mask;
            if (palette is not null && header.ColorType == PngColorType.Palette)
                palette.AsSpan(value * 3, 3).CopyTo(rgb[to..]);
            else
                Gray(rgb, to, (byte)(value * scale));
        }
    }

    private static void Gray(Span<byte> rgb, int to, byte value) => rgb[to] = rgb[to + 1] = rgb[to + 2] = value;
}
