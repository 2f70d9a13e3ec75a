using System.Collections.Immutable;
using Dino.Imaging.Jpeg;
using Dino.Imaging.Png;

namespace Dino.Imaging;

/// <summary>The decoders <see cref="ImageFile"/> asks, in order. JPEG and PNG are built in.</summary>
public static class ImageDecoders
{
    private static ImmutableArray<IImageDecoder> s_decoders = [new JpegDecoder(), new PngDecoder()];

    /// <summary>All decoders; the first that recognises the data decodes it.</summary>
    public static IReadOnlyList<IImageDecoder> All => s_decoders;

    /// <summary>Adds a decoder in front of the others, so that it may also replace a built-in one.</summary>
    public static void Register(IImageDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ImmutableInterlocked.Update(ref s_decoders, static (decoders, added) => decoders.Insert(0, added), decoder);
    }

    /// <summary>Removes a decoder that <see cref="Register"/> added, or a built-in one.</summary>
    /// <returns>Whether it was registered.</returns>
    public static bool Unregister(IImageDecoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        return ImmutableInterlocked.Update(ref s_decoders, static (decoders, removed) => decoders.Remove(removed), decoder);
    }

    /// <summary>The decoder for data that starts with <paramref name="header"/>.</summary>
    /// <exception cref="ImageException">The data is empty, or no decoder recognises it.</exception>
    internal static IImageDecoder Find(ReadOnlySpan<byte> header)
    {
        if (header.IsEmpty)
            throw new CorruptImageException("The file is empty.");
        foreach (IImageDecoder decoder in s_decoders)
        {
            if (decoder.CanDecode(header))
                return decoder;
        }

        throw new UnsupportedImageException(NameOf(header) is { } name
            ? $"{name} is not supported by the built-in decoders (JPEG, PNG). Convert it to one of them; an application may register a decoder of its own."
            : $"This is neither a PNG nor a JPEG picture: it starts with {Convert.ToHexString(header[..Math.Min(8, header.Length)])}. Convert other formats to one of them; an application may register a decoder of its own.");
    }

    /// <summary>Common formats without a built-in decoder, for the message only.</summary>
    private static string? NameOf(ReadOnlySpan<byte> header) => header switch
    {
        _ when header.StartsWith("GIF8"u8) => "GIF",
        _ when header.StartsWith("BM"u8) => "BMP",
        _ when header.StartsWith("II*\0"u8) || header.StartsWith("MM\0*"u8) => "TIFF",
        _ when header.StartsWith("RIFF"u8) && header.Length >= 12 && header[8..12].SequenceEqual("WEBP"u8) => "WebP",
        _ when header.Length >= 12 && header[4..12].SequenceEqual("ftypavif"u8) => "AVIF",
        _ when header.Length >= 12 && header[4..12].SequenceEqual("ftypheic"u8) => "HEIC",
        _ when header.StartsWith("\0\0\0\fjP  "u8) => "JPEG 2000",
        _ => null,
    };
}
