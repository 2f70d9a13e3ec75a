using Dino.Imaging;

namespace Dino.Ssl.Embedding;

/// <summary>Where a request has its picture. Implemented by structs: naming a source allocates nothing.</summary>
internal interface IPictureSource
{
    /// <summary>The decoded picture.</summary>
    /// <exception cref="ImageException">It is corrupt, unsupported or too large.</exception>
    Image Open(DecodeLimits? limits);
}

/// <summary>A picture that is decoded already.</summary>
internal readonly struct DecodedSource(Image image) : IPictureSource
{
    public Image Open(DecodeLimits? limits) => image;
}

/// <summary>A file.</summary>
internal readonly struct FileSource(string path) : IPictureSource
{
    public Image Open(DecodeLimits? limits) => ImageFile.Decode(path, limits);
}

/// <summary>What remains of a stream.</summary>
internal readonly struct StreamSource(Stream stream) : IPictureSource
{
    public Image Open(DecodeLimits? limits) => ImageFile.Decode(stream, limits);
}

/// <summary>An encoded picture in memory.</summary>
internal readonly struct EncodedSource(ReadOnlyMemory<byte> data) : IPictureSource
{
    public Image Open(DecodeLimits? limits) => ImageFile.Decode(data.Span, limits);
}
