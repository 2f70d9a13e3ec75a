using System.Buffers;
using System.Buffers.Binary;

namespace Dino.Imaging.Png;

/// <summary>The chunks a picture is made of: header, palette and the concatenated compressed data.</summary>
internal sealed class PngChunks : IDisposable
{
    private const int ChunkOverhead = 12;

    private byte[] _compressed = [];

    private PngChunks(PngHeader header) => Header = header;

    public PngHeader Header { get; }

    /// <summary>R, G, B of 256 entries. Entries a file leaves out are grey ramps, as in Pillow.</summary>
    public byte[]? Palette { get; private set; }

    /// <summary>Bytes of all IDAT chunks together.</summary>
    public int CompressedLength { get; private set; }

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The zlib stream as one forward-only stream.</summary>
    public Stream OpenCompressed() => new MemoryStream(_compressed, 0, CompressedLength, writable: false);

    public void Dispose()
    {
        if (_compressed.Length > 0)
            ArrayPool<byte>.Shared.Return(_compressed);
        _compressed = [];
    }

    /// <summary>
    /// Walks the chunks up to the end of the image data, checking every checksum on the way. What follows (IEND included)
    /// cannot change the pixels and is not looked at.
    /// </summary>
    /// <exception cref="ImageException">A chunk is damaged, missing or out of place, or the size exceeds the limits.</exception>
    public static PngChunks Read(ReadOnlySpan<byte> data, DecodeLimits limits)
    {
        int position = Signature.Length;
        ReadOnlySpan<byte> first = Next(data, ref position, out ReadOnlySpan<byte> type);
        if (!type.SequenceEqual("IHDR"u8))
            throw new CorruptImageException("PNG: the first chunk is not IHDR.");
        PngChunks chunks = new(PngHeader.Parse(first, limits));
        try
        {
            chunks.ReadRest(data, position);
            return chunks;
        }
        catch
        {
            chunks.Dispose();
            throw;
        }
    }

    private void ReadRest(ReadOnlySpan<byte> data, int position)
    {
        while (true)
        {
            // After image data, nothing more (a file cut behind it) is as good as another chunk.
            if (CompressedLength > 0 && data.Length - position < ChunkOverhead)
                return;
            int start = position;
            if (CompressedLength > 0 && !data.Slice(position + 4, 4).SequenceEqual("IDAT"u8))
                return;
            ReadOnlySpan<byte> content = Next(data, ref position, out ReadOnlySpan<byte> type);
            if (type.SequenceEqual("IDAT"u8))
                Append(content, data.Length);
            else if (type.SequenceEqual("PLTE"u8))
                ReadPalette(content);
            else if (type.SequenceEqual("IEND"u8))
                throw new CorruptImageException($"PNG: IEND at byte {start} before any image data.");
            else if (type.SequenceEqual("IHDR"u8))
                throw new CorruptImageException($"PNG: a second IHDR at byte {start}.");
            else if ((type[0] & 0x20) == 0)
                throw new UnsupportedImageException($"PNG: unknown critical chunk {Name(type)} at byte {start}.");
        }
    }

    private void Append(ReadOnlySpan<byte> content, int fileLength)
    {
        if (Header.ColorType == PngColorType.Palette && Palette is null)
            throw new CorruptImageException("PNG: palette picture without a PLTE chunk before its data.");
        // All IDAT content together is shorter than the file: one rent suffices.
        if (_compressed.Length == 0)
            _compressed = ArrayPool<byte>.Shared.Rent(fileLength);
        content.CopyTo(_compressed.AsSpan(CompressedLength));
        CompressedLength += content.Length;
    }

    private void ReadPalette(ReadOnlySpan<byte> content)
    {
        if (content.Length == 0 || content.Length > 256 * 3 || content.Length % 3 != 0)
            throw new CorruptImageException($"PNG: PLTE has {content.Length} bytes, not 3 for each of 1 to 256 colours.");
        Palette = new byte[256 * 3];
        for (int i = 0; i < 256; i++)
            Palette.AsSpan(i * 3, 3).Fill((byte)i);
        content.CopyTo(Palette);
    }

    /// <summary>The content of the chunk at <paramref name="position"/>, which moves behind it.</summary>
    private static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> data, ref int position, out ReadOnlySpan<byte> type)
    {
        ReadOnlySpan<byte> rest = data[position..];
        if (rest.Length < ChunkOverhead)
            throw new CorruptImageException($"PNG: truncated at byte {data.Length}, a chunk header is missing.");
        uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        type = rest.Slice(4, 4);
        foreach (byte letter in type)
        {
            if (!char.IsAsciiLetter((char)letter))
                throw new CorruptImageException($"PNG: no chunk at byte {position}: its name is {Convert.ToHexString(type)}.");
        }

        if (length > rest.Length - ChunkOverhead)
            throw new CorruptImageException($"PNG: truncated, chunk {Name(type)} at byte {position} has {length} bytes, {rest.Length - ChunkOverhead} follow.");
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + (int)length)..]);
        uint actual = PngCrc.Append(0, rest.Slice(4, 4 + (int)length));
        if (actual != expected)
            throw new CorruptImageException($"PNG: checksum of chunk {Name(type)} at byte {position} is {actual:X8}, the file says {expected:X8}.");
        position += ChunkOverhead + (int)length;
        return rest.Slice(8, (int)length);
    }

    private static string Name(ReadOnlySpan<byte> type) => System.Text.Encoding.ASCII.GetString(type);
}
