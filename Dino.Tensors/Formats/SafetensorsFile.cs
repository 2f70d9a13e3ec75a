using System.Buffers.Binary;
using Dino.Tensors.Cpu;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>Reads safetensors files: an 8-byte header length, a JSON header, raw little-endian data. Safe for many threads at once.</summary>
/// <remarks>Nothing is trusted: lengths, offsets, types and shapes are checked against each other and the file before any read.</remarks>
public sealed class SafetensorsFile : TensorFile
{
    /// <summary>The reference implementation's limit on the header.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle handle)
        : base(path)
    {
        _handle = handle;
        long fileBytes = RandomAccess.GetLength(handle);
        if (fileBytes < 8)
            throw new InvalidDataException($"{path}: {fileBytes} bytes; a safetensors file begins with an 8-byte header length.");
        Span<byte> prefix = stackalloc byte[8];
        ReadAt(0, prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes || (long)length > fileBytes - 8)
            throw new InvalidDataException($"{path}: header length {length} does not fit the file of {fileBytes} bytes; this is not a safetensors file or it is cut short.");
        byte[] json = new byte[length];
        ReadAt(8, json);
        long dataStart = 8 + (long)length;
        _header = SafetensorsHeader.Parse(path, json, dataStart, fileBytes - dataStart);
    }

    /// <inheritdoc/>
    public override string Format => "safetensors";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _header.Entries;

    /// <summary>The string map under <c>__metadata__</c>; empty when absent.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">Not a valid safetensors file; the message says what is wrong with which tensor.</exception>
    public static new SafetensorsFile Open(string path)
    {
        SafeFileHandle handle = File.OpenHandle(path);
        try
        {
            return new SafetensorsFile(path, handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _handle.Dispose();

    internal TensorReader ReaderOf(TensorEntry entry)
    {
        long start = _header.Offsets[entry.Name];
        return (offset, destination) => ReadAt(start + offset, destination);
    }

    private protected override TensorReader Reader(TensorEntry entry) => ReaderOf(entry);

    internal override bool TryLocate(string name, out long position)
    {
        position = _header.Offsets[Entry(name).Name];
        return true;
    }

    internal override MappedFile? Map() => new(_handle);

    private void ReadAt(long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_handle, destination, position);
            if (read == 0)
                throw new EndOfStreamException($"{FilePath}: the file ends at byte {position}; it has become shorter since it was opened.");
            destination = destination[read..];
            position += read;
        }
    }
}
