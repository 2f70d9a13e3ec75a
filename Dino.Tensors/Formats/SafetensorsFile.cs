using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dino.Tensors.Cpu;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>Reads safetensors files: an 8-byte header length, a JSON header, raw little-endian data. Safe for many threads at once.</summary>
/// <remarks>Nothing is trusted: lengths, offsets, types and shapes are checked against each other and the file before any read.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The reference implementation's limit on the header.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    // Widening works through a buffer of this size, which stays in the L2 cache. A multiple of every element size.
    private const int ChunkBytes = 1 << 18;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle handle)
    {
        (_path, _handle) = (path, handle);
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

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The string map under <c>__metadata__</c>; empty when absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="FileNotFoundException">There is no such file, or it is a folder.</exception>
    /// <exception cref="InvalidDataException">Not a valid safetensors file; the message says what it is instead, or what is wrong with which tensor.</exception>
    public static SafetensorsFile Open(string path)
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

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor; the message lists some that exist.</exception>
    public SafetensorsEntry Entry(string name) => Entries.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"{_path} holds no tensor '{name}'. It holds: {string.Join(", ", Entries.Keys.Take(8))}{(Entries.Count > 8 ? ", ..." : "")}.");

    /// <summary>The raw bytes of a tensor.</summary>
    /// <param name="entry">One of <see cref="Entries"/>.</param>
    /// <param name="destination">At least <see cref="SafetensorsEntry.Length"/> long.</param>
    public void Read(SafetensorsEntry entry, Span<byte> destination) => ReadAt(entry.Offset, destination[..checked((int)entry.Length)]);

    /// <summary>The stored bytes of a tensor, little-endian, as they are in the file.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public byte[] ReadRaw(string name)
    {
        SafetensorsEntry entry = Entry(name);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)entry.Length));
        ReadAt(entry.Offset, bytes);
        return bytes;
    }

    /// <summary>A tensor widened or narrowed to F32, whatever its stored type.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public float[] ReadSingles(string name)
    {
        float[] values = GC.AllocateUninitializedArray<float>(checked((int)Entry(name).Count));
        ReadSingles(name, values);
        return values;
    }

    /// <summary>A tensor widened or narrowed to F32 into memory of the caller; stored F32 is read there without a copy in between.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="destination">Exactly as many elements as the tensor has.</param>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void ReadSingles(string name, Span<float> destination)
    {
        SafetensorsEntry entry = Entry(name);
        if (entry.Count != destination.Length)
            throw new ArgumentException($"{_path}: tensor '{name}' has {entry.Count} elements [{string.Join(", ", entry.Shape)}], the destination {destination.Length}.", nameof(destination));
        if (entry.Type == "F32" && BitConverter.IsLittleEndian)
        {
            // An array of 2^30 floats has more bytes than a span can name, so long tensors go in parts.
            const int part = 1 << 28;
            for (int i = 0; i < destination.Length; i += part)
                ReadAt(entry.Offset + ((long)i * sizeof(float)), MemoryMarshal.AsBytes(destination.Slice(i, Math.Min(part, destination.Length - i))));
            return;
        }

        int size = SafetensorsTypes.Size(entry.Type), step = ChunkBytes / size;
        byte[] buffer = new byte[(int)Math.Min(ChunkBytes, entry.Length)];
        for (int i = 0; i < destination.Length; i += step)
        {
            int count = Math.Min(step, destination.Length - i);
            ReadAt(entry.Offset + ((long)i * size), buffer.AsSpan(0, count * size));
            SafetensorsTypes.ToSingles(entry.Type, buffer.AsSpan(0, count * size), destination.Slice(i, count));
        }
    }

    /// <summary>A tensor widened or narrowed to F32, into the memory of a tensor: in host memory stored F32 is read there without a copy in between.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="destination">F32, exactly as many elements as the stored tensor has; on any device.</param>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    /// <exception cref="ArgumentException">The destination has another length or element type.</exception>
    public void ReadTensor(string name, Tensor destination)
    {
        if (destination.DType != DType.F32 || destination.Count != Entry(name).Count)
            throw new ArgumentException($"{_path}: tensor '{name}' has {Entry(name).Count} elements [{string.Join(", ", Entry(name).Shape)}], the destination is {destination.DType} {destination.Shape}.", nameof(destination));
        if (destination.TryGetHostSpan(out Span<float> elements))
            ReadSingles(name, elements);
        else
            destination.Device.Backend.Upload(MemoryMarshal.AsBytes<float>(ReadSingles(name)), destination.View);
    }

    /// <summary>The whole file as memory, which was long enough for all entries when it was opened.</summary>
    internal MappedFile Map() => new(_handle);

    /// <summary>A tensor widened to double, whatever its stored type. Exact for every type but I64 and U64 beyond 2^53.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public double[] ReadDoubles(string name)
    {
        SafetensorsEntry entry = Entry(name);
        byte[] bytes = ReadRaw(name);
        double[] values = new double[entry.Count];
        int size = SafetensorsTypes.Size(entry.Type);
        for (int i = 0; i < values.Length; i++)
            values[i] = SafetensorsTypes.ToDouble(entry.Type, bytes.AsSpan(i * size, size));
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void ReadAt(long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(_handle, destination, position);
            if (read == 0)
                throw new EndOfStreamException($"{_path}: the file ends at byte {position}; it has become shorter since it was opened.");
            destination = destination[read..];
            position += read;
        }
    }
}
