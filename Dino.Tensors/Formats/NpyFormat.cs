using System.Buffers.Binary;
using System.Text;

namespace Dino.Tensors.Formats;

/// <summary>The byte layout of .npy files: magic, version, header length, header padded to 64 bytes, data.</summary>
/// <remarks>NEP 1. Versions differ in the width of the header length (2 bytes, then 4) and in the header's encoding (Latin-1, from 3 on UTF-8).</remarks>
internal static class NpyFormat
{
    private const int Alignment = 64;

    // NumPy's own limit on what it parses without being told to trust the file.
    private const int MaxHeaderBytes = 10_000;

    // Data is read in parts of this size, so that a header that promises gigabytes costs no more memory than the file has bytes.
    private const int PartBytes = 1 << 20;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static NpyArray Read(Stream stream)
    {
        Span<byte> start = stackalloc byte[8];
        if (stream.ReadAtLeast(start, 8, throwOnEndOfStream: false) < 8 || !start[..6].SequenceEqual(Magic))
            throw new InvalidDataException("Not an .npy file: it does not begin with the NumPy magic.");
        int version = start[6];
        if (version is < 1 or > 3)
            throw new InvalidDataException($".npy format version {version}.{start[7]} is not known; versions 1 to 3 are.");
        Span<byte> lengthBytes = start[..(version == 1 ? 2 : 4)];
        ReadFully(stream, lengthBytes);
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(lengthBytes) : BinaryPrimitives.ReadUInt32LittleEndian(lengthBytes);
        if (length > (version == 1 ? ushort.MaxValue : MaxHeaderBytes))
            throw new InvalidDataException($"The .npy header is {length} bytes long; at most {MaxHeaderBytes} are read.");
        byte[] text = new byte[length];
        ReadFully(stream, text);
        NpyHeader header = NpyHeader.Parse((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(text));
        int size = NpyTypes.Size(header.Type);
        if (size == 0)
            throw new InvalidDataException($".npy element type '{header.Type}' is not supported; little-endian f2, f4, f8, i4, i8 and u1, b1 are.");
        long total = ByteCount(header.Shape, size);
        byte[] bytes = ReadData(stream, total);
        return new NpyArray(header.Type, header.Shape, header.Fortran ? ToRowMajor(bytes, header.Shape, size) : bytes);
    }

    public static void Write(Stream stream, NpyArray array)
    {
        stream.Write(Head(array.Type, [.. array.Shape]));
        stream.Write(array.Bytes.Span);
    }

    /// <summary>What precedes the data of an array.</summary>
    public static byte[] Head(string type, int[] shape)
    {
        string text = new NpyHeader(type, Fortran: false, shape).Write();
        // Magic 6, version 2, length 2, text, newline; padded with spaces in front of the newline.
        int padded = (10 + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        byte[] head = new byte[padded];
        head.AsSpan().Fill((byte)' ');
        Magic.CopyTo(head);
        (head[6], head[7]) = (1, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), checked((ushort)(padded - 10)));
        Encoding.Latin1.GetBytes(text, head.AsSpan(10));
        head[^1] = (byte)'\n';
        return head;
    }

    private static long ByteCount(int[] shape, int size)
    {
        Int128 total = size;
        foreach (int length in shape)
        {
            total *= length;
            if (total > Array.MaxLength)
                throw new InvalidDataException($"The .npy array [{string.Join(", ", shape)}] of {size}-byte elements exceeds what one array holds.");
        }

        return (long)total;
    }

    private static byte[] ReadData(Stream stream, long total)
    {
        byte[] bytes = new byte[Math.Min(total, PartBytes)];
        int filled = 0;
        while (filled < total)
        {
            if (filled == bytes.Length)
                Array.Resize(ref bytes, (int)Math.Min(total, 2L * bytes.Length));
            int read = stream.Read(bytes.AsSpan(filled));
            if (read == 0)
                throw new InvalidDataException($"The .npy data is cut short: {filled} of {total} bytes are there.");
            filled += read;
        }

        return bytes;
    }

    private static void ReadFully(Stream stream, Span<byte> destination)
    {
        if (stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) < destination.Length)
            throw new InvalidDataException("The .npy header is cut short.");
    }

    /// <summary>Column-major elements, first axis fastest, into row-major order.</summary>
    private static byte[] ToRowMajor(byte[] source, int[] shape, int size)
    {
        if (shape.Length < 2 || source.Length == 0)
            return source;
        byte[] result = new byte[source.Length];
        long[] strides = new long[shape.Length];
        long stride = size;
        for (int axis = 0; axis < shape.Length; axis++)
            (strides[axis], stride) = (stride, stride * shape[axis]);
        int[] index = new int[shape.Length];
        long from = 0;
        for (int to = 0; to < result.Length; to += size)
        {
            source.AsSpan((int)from, size).CopyTo(result.AsSpan(to));
            // Counts up like an odometer, last axis fastest.
            for (int axis = shape.Length - 1; axis >= 0; axis--)
            {
                from += strides[axis];
                if (++index[axis] < shape[axis])
                    break;
                from -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }

        return result;
    }
}
