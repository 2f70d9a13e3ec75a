using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>The bytes of a storage, wherever they are. Safe for many threads at once.</summary>
internal abstract class TorchBytes
{
    /// <summary>Fills the destination from a position on.</summary>
    /// <exception cref="TorchFileException">The data is damaged.</exception>
    public abstract void Read(long offset, Span<byte> destination);

    /// <summary>Where in the file the bytes are, if they are there as they are.</summary>
    public virtual bool TryLocate(long offset, out long position)
    {
        position = 0;
        return false;
    }
}

/// <summary>Bytes of the pickle itself.</summary>
internal sealed class MemoryBytes(byte[] bytes) : TorchBytes
{
    public override void Read(long offset, Span<byte> destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
}

/// <summary>Bytes that lie in the file as they are. A checksum is checked once, before the first of them is used.</summary>
/// <param name="place">Named in errors.</param>
/// <param name="handle">The open file.</param>
/// <param name="start">First byte in the file.</param>
/// <param name="length">Number of bytes.</param>
/// <param name="checksum">Their CRC-32, or null where the format has none.</param>
internal sealed class FileBytes(FilePlace place, SafeFileHandle handle, long start, long length, uint? checksum) : TorchBytes
{
    private const int PartBytes = 1 << 18;

    private volatile bool _isChecked = checksum is null;

    public override void Read(long offset, Span<byte> destination)
    {
        if (!_isChecked && destination.Length == length)
        {
            ReadFile(offset, destination);
            Require(Crc32.Append(0, destination));
            return;
        }

        Check();
        ReadFile(offset, destination);
    }

    public override bool TryLocate(long offset, out long position)
    {
        Check();
        position = start + offset;
        return true;
    }

    private void Check()
    {
        if (_isChecked)
            return;
        uint crc = 0;
        byte[] part = new byte[Math.Min(length, PartBytes)];
        for (long at = 0; at < length; at += part.Length)
        {
            Span<byte> filled = part.AsSpan(0, (int)Math.Min(part.Length, length - at));
            ReadFile(at, filled);
            crc = Crc32.Append(crc, filled);
        }

        Require(crc);
    }

    private void Require(uint crc)
    {
        if (crc != checksum)
            throw place.Error($"the data is damaged: its CRC-32 is {crc:x8}, not {checksum:x8}", start);
        _isChecked = true;
    }

    private void ReadFile(long offset, Span<byte> destination)
    {
        long position = start + offset;
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(handle, destination, position);
            if (read == 0)
                throw place.Error("the file has become shorter since it was opened", position);
            destination = destination[read..];
            position += read;
        }
    }
}

/// <summary>Bytes that are deflated in the file. They are inflated as a whole when the first of them is asked for, and kept.</summary>
/// <param name="place">Named in errors.</param>
/// <param name="deflated">The bytes in the file.</param>
/// <param name="deflatedLength">Their number.</param>
/// <param name="length">Number of bytes they stand for.</param>
/// <param name="checksum">CRC-32 of those, or null where the format has none.</param>
internal sealed class DeflatedBytes(FilePlace place, TorchBytes deflated, long deflatedLength, long length, uint? checksum) : TorchBytes
{
    private readonly Lock _lock = new();
    private byte[]? _inflated;

    public override void Read(long offset, Span<byte> destination) => Inflated().AsSpan((int)offset, destination.Length).CopyTo(destination);

    private byte[] Inflated()
    {
        lock (_lock)
            return _inflated ??= Inflate();
    }

    private byte[] Inflate()
    {
        if (Math.Max(length, deflatedLength) > Array.MaxLength)
            throw place.Error($"{Math.Max(length, deflatedLength)} deflated bytes exceed what one array holds. Store the archive without compression");
        byte[] source = new byte[deflatedLength];
        deflated.Read(0, source);
        try
        {
            using DeflateStream stream = new(new MemoryStream(source), CompressionMode.Decompress);
            // The declared length is believed only as far as the data goes: memory grows with what has really come out.
            byte[] result = new byte[Math.Min(length, Math.Max(1 << 16, 4 * deflatedLength))];
            int filled = 0;
            while (filled < length)
            {
                if (filled == result.Length)
                    Array.Resize(ref result, (int)Math.Min(length, 2L * result.Length));
                int read = stream.Read(result.AsSpan(filled));
                if (read == 0)
                    throw place.Error($"the deflated data ends after {filled} of {length} bytes");
                filled += read;
            }

            if (stream.ReadByte() >= 0)
                throw place.Error($"the deflated data is longer than the {length} bytes it is declared to have");
            uint crc = Crc32.Append(0, result);
            return checksum is null || crc == checksum ? result : throw place.Error($"the data is damaged: its CRC-32 is {crc:x8}, not {checksum:x8}");
        }
        catch (InvalidDataException error)
        {
            throw place.Error($"the deflated data is damaged ({error.Message})");
        }
    }
}
