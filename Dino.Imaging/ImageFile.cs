using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Dino.Imaging;

/// <summary>Decodes image files to RGB. The content decides the format, never the file name.</summary>
public static class ImageFile
{
    private const int HeaderLength = 32;

    /// <summary>Decodes a file.</summary>
    /// <param name="path">The file, or a pipe; its extension is not looked at.</param>
    /// <param name="limits">Null for <see cref="DecodeLimits.Default"/>.</param>
    /// <exception cref="ImageException">The content is corrupt, unsupported or too large; the message starts with the path.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Image Decode(string path, DecodeLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        limits = Validated(limits);
        using SafeFileHandle file = File.OpenHandle(path);
        try
        {
            if (LengthOf(file) is not { } length)
            {
                using FileStream pipe = new(file, FileAccess.Read, bufferSize: 0);
                return Decode(pipe, limits);
            }

            limits.CheckBytes(length);
            if (length > Array.MaxLength)
                throw new ImageTooLargeException($"{length} bytes do not fit in one array.");
            return Decode(file, (int)length, limits);
        }
        catch (CorruptImageException error)
        {
            throw new CorruptImageException($"{path}: {error.Message}", error);
        }
        catch (UnsupportedImageException error)
        {
            throw new UnsupportedImageException($"{path}: {error.Message}", error);
        }
        catch (ImageTooLargeException error)
        {
            throw new ImageTooLargeException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Decodes what remains of a stream; the stream stays open.</summary>
    /// <param name="stream">Read to its end.</param>
    /// <param name="limits">Null for <see cref="DecodeLimits.Default"/>; at most MaxBytes + 1 bytes are read.</param>
    /// <exception cref="ImageException">The content is corrupt, unsupported or too large.</exception>
    public static Image Decode(Stream stream, DecodeLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        limits = Validated(limits);
        long known = stream.CanSeek ? Math.Max(0, stream.Length - stream.Position) : 0;
        limits.CheckBytes(known);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(known + 1, 64 << 10)));
        try
        {
            int length = 0;
            for (int read; (read = stream.Read(buffer, length, buffer.Length - length)) > 0;)
            {
                length += read;
                limits.CheckBytes(length);
                if (length == buffer.Length)
                    buffer = Grow(buffer);
            }

            return Decode(buffer.AsSpan(0, length), limits);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Decodes a file held in memory.</summary>
    /// <param name="data">The whole encoded picture.</param>
    /// <param name="limits">Null for <see cref="DecodeLimits.Default"/>.</param>
    /// <exception cref="ImageException">The content is corrupt, unsupported or too large.</exception>
    public static Image Decode(ReadOnlySpan<byte> data, DecodeLimits? limits = null)
    {
        limits = Validated(limits);
        limits.CheckBytes(data.Length);
        return ImageDecoders.Find(data[..Math.Min(HeaderLength, data.Length)]).Decode(data, limits);
    }

    private static Image Decode(SafeFileHandle file, int length, DecodeLimits limits)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            int filled = 0;
            for (int read; filled < length && (read = RandomAccess.Read(file, buffer.AsSpan(filled, length - filled), filled)) > 0;)
                filled += read;
            return Decode(buffer.AsSpan(0, filled), limits);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Null for what is read from beginning to end only, such as a pipe.</summary>
    private static long? LengthOf(SafeFileHandle file)
    {
        try
        {
            return RandomAccess.GetLength(file);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        if (buffer.Length == Array.MaxLength)
            throw new ImageTooLargeException($"More than {Array.MaxLength} bytes do not fit in one array.");
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, buffer.Length * 2L));
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static DecodeLimits Validated(DecodeLimits? limits)
    {
        limits ??= DecodeLimits.Default;
        limits.Validate();
        return limits;
    }
}
