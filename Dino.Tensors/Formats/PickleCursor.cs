using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>
/// Reads the bytes of a pickle in order, from memory or through a window onto a file. Every declared length is checked against what is left before
/// anything is allocated for it.
/// </summary>
internal sealed class PickleCursor
{
    private const int WindowBytes = 1 << 16;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FilePlace _place;
    private readonly SafeFileHandle? _handle;
    private readonly byte[] _buffer;
    private readonly long _end;
    private long _bufferStart;
    private int _at, _filled;

    /// <summary>A pickle in memory.</summary>
    public PickleCursor(FilePlace place, byte[] bytes)
    {
        (_place, _buffer, _end) = (place, bytes, bytes.Length);
        _filled = bytes.Length;
    }

    /// <summary>Pickles one after the other in a file.</summary>
    /// <param name="place">The file, for errors.</param>
    /// <param name="handle">The open file.</param>
    /// <param name="end">Its length.</param>
    public PickleCursor(FilePlace place, SafeFileHandle handle, long end)
    {
        (_place, _handle, _end) = (place, handle, end);
        _buffer = new byte[WindowBytes];
    }

    /// <summary>The next byte.</summary>
    public long Position => _bufferStart + _at;

    /// <summary>Where the operation under way began: errors point there.</summary>
    public long OperationStart { get; private set; }

    /// <summary>First byte of the pickle under way.</summary>
    public long PickleStart { get; private set; }

    public long Remaining => _end - Position;

    /// <summary>Named in errors.</summary>
    public FilePlace Place => _place;

    public TorchFileException Error(string problem) => _place.Error(problem, OperationStart);

    public void BeginPickle() => PickleStart = Position;

    /// <summary>The byte of the next operation.</summary>
    public PickleOpcode ReadOperation()
    {
        OperationStart = Position;
        return (PickleOpcode)ReadByte();
    }

    public byte ReadByte() => Read(1)[0];

    public int ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Read(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32LittleEndian(Read(4));

    public long ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Read(4));

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Read(8));

    public double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Read(8));

    /// <summary>A few bytes, valid until the next read.</summary>
    public ReadOnlySpan<byte> Read(int count)
    {
        Require(count);
        if (_filled - _at < count)
            Refill(count);
        ReadOnlySpan<byte> bytes = _buffer.AsSpan(_at, count);
        _at += count;
        return bytes;
    }

    public byte[] ReadBytes(long count)
    {
        Require(count);
        if (count > Array.MaxLength)
            throw Error($"a run of {count} bytes exceeds what one array holds");
        byte[] bytes = new byte[count];
        int copied = Math.Min(bytes.Length, _filled - _at);
        _buffer.AsSpan(_at, copied).CopyTo(bytes);
        _at += copied;
        if (copied < bytes.Length)
        {
            ReadFile(Position, bytes.AsSpan(copied));
            _bufferStart = Position + bytes.Length - copied;
            _at = _filled = 0;
        }

        return bytes;
    }

    /// <summary>UTF-8 text of so many bytes.</summary>
    public string ReadText(long bytes)
    {
        Require(bytes);
        try
        {
            return bytes <= WindowBytes ? s_strict.GetString(Read((int)bytes)) : s_strict.GetString(ReadBytes(bytes));
        }
        catch (DecoderFallbackException)
        {
            throw Error("text is not valid UTF-8");
        }
    }

    /// <summary>Latin-1 text up to the end of the line, which is not part of it.</summary>
    public string ReadLine()
    {
        StringBuilder line = new();
        for (byte value = ReadByte(); value != (byte)'\n'; value = ReadByte())
            line.Append((char)value);
        return line.ToString();
    }

    /// <summary>Moves over bytes without reading them.</summary>
    public void Skip(long count)
    {
        Require(count);
        if (count <= _filled - _at)
        {
            _at += (int)count;
            return;
        }

        _bufferStart = Position + count;
        _at = _filled = 0;
    }

    private void Require(long count)
    {
        if (count < 0 || count > Remaining)
            throw Error($"{count} bytes are needed and {Remaining} are left: the file is damaged or cut short");
    }

    private void Refill(int count)
    {
        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        (_bufferStart, _filled, _at) = (Position, _filled - _at, 0);
        int wanted = (int)Math.Min(_buffer.Length, _end - _bufferStart);
        ReadFile(_bufferStart + _filled, _buffer.AsSpan(_filled, wanted - _filled));
        _filled = wanted;
    }

    private void ReadFile(long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_handle!, destination, position);
            if (read == 0)
                throw _place.Error("the file has become shorter since it was opened", position);
            destination = destination[read..];
            position += read;
        }
    }
}
