namespace Dino.Imaging.Jpeg;

/// <summary>
/// Decodes JPEG: baseline, extended and progressive Huffman coding with 8 bits per sample; grey, Y'CbCr, RGB, CMYK and YCCK;
/// every subsampling by whole ratios. Equal to Pillow with libjpeg-turbo, pixel for pixel.
/// </summary>
/// <remarks>
/// Damage inside the compressed data is concealed as libjpeg does it (grey blocks, resynchronisation at restart markers); a file
/// that ends without its end marker is an error. Orientation tags and colour profiles are ignored. Arithmetic, lossless,
/// hierarchical and 12-bit coding are not supported.
/// </remarks>
public sealed class JpegDecoder : IImageDecoder
{
    private static ReadOnlySpan<byte> Signature => [0xFF, JpegMarker.StartOfImage, 0xFF];

    /// <inheritdoc/>
    public bool CanDecode(ReadOnlySpan<byte> header) => header.StartsWith(Signature);

    /// <inheritdoc/>
    public Image Decode(ReadOnlySpan<byte> data, DecodeLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (!CanDecode(data))
            throw new CorruptImageException("JPEG: the start marker is missing.");
        return new JpegReader(data, limits).Decode();
    }
}
