namespace Dino.Imaging;

/// <summary>Decodes one family of image formats to RGB. Register an implementation with <see cref="ImageDecoders.Register"/>.</summary>
/// <remarks>Implementations are used from many threads at once and must not keep state between calls.</remarks>
public interface IImageDecoder
{
    /// <summary>Whether the first bytes of a file (at most 32, fewer if it is shorter) carry this format's signature.</summary>
    bool CanDecode(ReadOnlySpan<byte> header);

    /// <summary>Decodes a whole file held in memory.</summary>
    /// <param name="data">The encoded picture.</param>
    /// <param name="limits">Checked before allocating.</param>
    /// <returns>RGB pixels; alpha is dropped, not blended, and orientation tags are ignored.</returns>
    /// <exception cref="ImageException">The data is corrupt, unsupported or too large; no other exception may escape.</exception>
    Image Decode(ReadOnlySpan<byte> data, DecodeLimits limits);
}
