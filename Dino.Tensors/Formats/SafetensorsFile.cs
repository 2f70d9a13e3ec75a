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
        Span<byte> start = stackalloc byte[(int)Math.Min(ForeignFile.StartLength, fileBytes)];
        ReadAt(0, start);
        if (ForeignFile.Describe(start) is { } foreign)
            throw new InvalidDataException($"{path} is not a safetensors file but {foreign}");
        if (fileBytes < 8)
            throw new InvalidDataException($"{path} is not a safetensors file: it has {fileBytes} bytes, the length of its header alone would take 8.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > MaxHeaderBytes || (long)length > fileBytes - 8)
            throw new InvalidDataException(start is [_, _, _, _, _, _, _, _, (byte)'{', ..]
                ? $"{path} is cut short or damaged: its header should have {length} bytes, the file has {fileBytes}."
                : $"{path} is not a safetensors file: it does not begin with the length and the JSON of a header.");
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
    /// <exception cref="FileNotFoundException">There is no such file, or it is a folder.</exception>
    /// <exception cref="InvalidDataException">Not a valid safetensors file; the message says what it is instead, or what is wrong with which tensor.</exception>
    public static new SafetensorsFile Open(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException(Directory.Exists(path) ? $"'{path}' is a folder, not a safetensors file." : $"There is no file '{path}' (looked for {Path.GetFullPath(path)}).", path);
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

    internal override TensorReader Reader(TensorEntry entry)
    {
        long start = _header.Offsets[entry.Name];
        return (offset, destination) => ReadAt(start + offset, destination);
    }

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
