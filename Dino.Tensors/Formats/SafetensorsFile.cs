using System.Buffers.Binary;
using System.Text.Json;

namespace Dino.Tensors.Formats;

/// <summary>One tensor of a safetensors file: element type as the format names it, shape, and where its bytes are.</summary>
/// <param name="Name">Key in the file.</param>
/// <param name="Type">The format's type name: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL ...</param>
/// <param name="Shape">Axis lengths; empty for a scalar.</param>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Number of bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, length) => product * length);
}

/// <summary>Reads safetensors files: an 8-byte header length, a JSON header, raw little-endian data.</summary>
/// <remarks>Nothing is trusted: lengths, offsets, types and shapes are checked against each other and the file before any read.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The reference implementation's limit on the header.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    private readonly FileStream _stream;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsFile(FileStream stream) => _stream = stream;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>The string map under <c>__metadata__</c>; empty when absent.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">Not a valid safetensors file; the message says what is wrong with which tensor.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream stream = File.OpenRead(path);
        SafetensorsFile file = new(stream);
        try
        {
            file.ReadHeader(path);
            return file;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The raw bytes of a tensor.</summary>
    public void Read(SafetensorsEntry entry, Span<byte> destination)
    {
        lock (_stream)
        {
            _stream.Position = entry.Offset;
            _stream.ReadExactly(destination[..checked((int)entry.Length)]);
        }
    }

    /// <summary>A tensor widened or narrowed to F32, whatever its stored type.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public float[] ReadSingles(string name)
    {
        double[] values = ReadDoubles(name);
        return Array.ConvertAll(values, value => (float)value);
    }

    /// <summary>A tensor widened to double, whatever its stored type. Exact for every type but I64 beyond 2^53.</summary>
    /// <exception cref="KeyNotFoundException">No such tensor.</exception>
    public double[] ReadDoubles(string name)
    {
        if (!_entries.TryGetValue(name, out SafetensorsEntry? entry))
            throw new KeyNotFoundException($"{_stream.Name} holds no tensor '{name}'. It holds: {string.Join(", ", _entries.Keys.Take(8))}{(_entries.Count > 8 ? ", ..." : "")}.");
        byte[] bytes = new byte[entry.Length];
        Read(entry, bytes);
        double[] values = new double[entry.Count];
        int size = SafetensorsTypes.Size(entry.Type);
        for (int i = 0; i < values.Length; i++)
            values[i] = SafetensorsTypes.ToDouble(entry.Type, bytes.AsSpan(i * size, size));
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private void ReadHeader(string path)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (_stream.Length < 8)
            throw new InvalidDataException($"{path}: {_stream.Length} bytes; a safetensors file begins with an 8-byte header length.");
        _stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes || (long)length > _stream.Length - 8)
            throw new InvalidDataException($"{path}: header length {length} does not fit the file of {_stream.Length} bytes; this is not a safetensors file or it is cut short.");
        byte[] header = new byte[length];
        _stream.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: the header is a JSON {document.RootElement.ValueKind}, not an object.");
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    foreach (JsonProperty item in property.Value.EnumerateObject())
                        _metadata[item.Name] = item.Value.GetString() ?? "";
                }
                else if (!_entries.TryAdd(property.Name, ReadEntry(path, property, 8 + (long)length)))
                {
                    throw new InvalidDataException($"{path}: tensor '{property.Name}' is listed twice.");
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{path}: the header is not valid safetensors JSON: {error.Message}", error);
        }
    }

    private SafetensorsEntry ReadEntry(string path, JsonProperty property, long dataStart)
    {
        string type = property.Value.GetProperty("dtype").GetString() ?? "";
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(item => item.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(item => item.GetInt64())];
        int size = SafetensorsTypes.Size(type);
        if (size == 0)
            throw new InvalidDataException($"{path}: tensor '{property.Name}' has the unknown element type '{type}'.");
        long count = 1;
        foreach (long axis in shape)
            count = axis >= 0 ? checked(count * axis) : throw new InvalidDataException($"{path}: tensor '{property.Name}' has a negative axis in [{string.Join(", ", shape)}].");
        long dataBytes = _stream.Length - dataStart;
        if (offsets is not [long start, long end] || start < 0 || end < start || end > dataBytes)
            throw new InvalidDataException($"{path}: tensor '{property.Name}' lies at [{string.Join(", ", offsets)}], outside the {dataBytes} data bytes.");
        if (checked(count * size) != end - start)
            throw new InvalidDataException($"{path}: tensor '{property.Name}' of {type} [{string.Join(", ", shape)}] needs {count * size} bytes and has {end - start}.");
        return new SafetensorsEntry(property.Name, type, shape, dataStart + start, end - start);
    }
}
