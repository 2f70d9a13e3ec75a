using System.Buffers.Binary;
using Dino.Imaging.Png;

namespace Dino.Tests.Imaging;

/// <summary>Builds and repairs PNG chunks by hand.</summary>
internal static class PngChunkEditor
{
    /// <summary>Recomputes the checksum of every chunk whose length still fits.</summary>
    public static void RepairChecksums(Span<byte> file)
    {
        int position = 8;
        while (position + 12 <= file.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
            if (length > file.Length - position - 12)
                return;
            Span<byte> covered = file.Slice(position + 4, 4 + (int)length);
            BinaryPrimitives.WriteUInt32BigEndian(file[(position + 8 + (int)length)..], PngCrc.Append(0, covered));
            position += 12 + (int)length;
        }
    }

    /// <summary>A chunk with its length and checksum.</summary>
    public static byte[] Chunk(string type, ReadOnlySpan<byte> content)
    {
        byte[] chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        System.Text.Encoding.ASCII.GetBytes(type, chunk.AsSpan(4));
        content.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), PngCrc.Append(0, chunk.AsSpan(4, 4 + content.Length)));
        return chunk;
    }

    /// <summary>A file of 8-bit RGB with the given compressed data.</summary>
    public static byte[] File(int width, int height, ReadOnlySpan<byte> compressed)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        return [.. PngChunks.Signature, .. Chunk("IHDR", header), .. Chunk("IDAT", compressed), .. Chunk("IEND", [])];
    }
}
