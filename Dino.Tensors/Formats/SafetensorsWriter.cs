using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Dino.Tensors.Formats;

/// <summary>
/// Collects tensors and saves them as a safetensors file. Wider element types come first, then names in ordinal order, so that
/// every tensor is aligned to its element size without gaps (readers reject gaps) and equal content gives equal files.
/// </summary>
public sealed class SafetensorsWriter
{
    private sealed record Item(string Name, string Type, long[] Shape, long Length, Action<Stream> Write);

    // The data section starts at a multiple of 8: the header is padded with spaces.
    private const int Alignment = 8;
    private const int LengthBytes = 8;

    private byte[] _buffer = [];
    private readonly Dictionary<string, Item> _items = new(StringComparer.Ordinal);

    /// <summary>Strings for the file's <c>__metadata__</c>; left out when empty.</summary>
    public IDictionary<string, string> Metadata { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Adds an F32 tensor. The values are read when the file is saved.</summary>
    public void Add(string name, Shape shape, ReadOnlyMemory<float> values)
    {
        RequireLittleEndian();
        Add(name, DType.F32, shape, () => MemoryMarshal.AsBytes(values.Span));
    }

    /// <summary>Adds an I32 tensor. The values are read when the file is saved.</summary>
    public void Add(string name, Shape shape, ReadOnlyMemory<int> values)
    {
        RequireLittleEndian();
        Add(name, DType.I32, shape, () => MemoryMarshal.AsBytes(values.Span));
    }

    /// <summary>Adds a tensor of any device. It is downloaded when the file is saved, one tensor at a time through one buffer.</summary>
    public void Add(string name, Tensor tensor)
    {
        RequireLittleEndian();
        Add(name, tensor.DType, tensor.Shape, () => Download(tensor));
    }

    /// <summary>Adds a tensor whose bytes are asked for when the file is saved: native memory needs no managed copy.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="bytes">Gives exactly <c>shape.Count · type.Size()</c> bytes.</param>
    /// <exception cref="ArgumentException">The name is taken or reserved.</exception>
    public void Add(string name, DType type, Shape shape, TensorBytes bytes) =>
        AddRaw(name, SafetensorsTypes.Name(type), [.. shape.Select(length => (long)length)], bytes);

    /// <summary>Adds a tensor of any type of the format, also those that tensors of this library cannot have: F64, I64, BOOL ...</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="type">The format's type name.</param>
    /// <param name="shape">Axis lengths; empty for a scalar.</param>
    /// <param name="bytes">Gives exactly as many bytes as type and shape ask for, when the file is saved.</param>
    /// <exception cref="ArgumentException">The name is taken or reserved, the type unknown, or an axis negative.</exception>
    public void AddRaw(string name, string type, IReadOnlyList<long> shape, TensorBytes bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        AddStreamed(name, type, shape, stream => stream.Write(bytes()));
    }

    /// <summary>Adds a tensor that is written piece by piece when the file is saved, and may be larger than memory.</summary>
    /// <param name="name">Key in the file.</param>
    /// <param name="type">The format's type name.</param>
    /// <param name="shape">Axis lengths; empty for a scalar.</param>
    /// <param name="write">Writes exactly as many bytes as type and shape ask for, little-endian and row-major.</param>
    /// <exception cref="ArgumentException">The name is taken or reserved, the type unknown, or an axis negative.</exception>
    public void AddStreamed(string name, string type, IReadOnlyList<long> shape, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(write);
        int size = SafetensorsTypes.Size(type);
        if (size == 0)
            throw new ArgumentException($"Tensor '{name}': '{type}' is not a safetensors element type.", nameof(type));
        if (name == "__metadata__")
            throw new ArgumentException("The name '__metadata__' is reserved by the format.", nameof(name));
        long length = size;
        foreach (long axis in shape)
            length = axis >= 0 ? checked(length * axis) : throw new ArgumentException($"Tensor '{name}' has a negative axis in [{string.Join(", ", shape)}].", nameof(shape));
        if (!_items.TryAdd(name, new Item(name, type, [.. shape], length, write)))
            throw new ArgumentException($"A tensor '{name}' was added before.", nameof(name));
    }

    private ReadOnlySpan<byte> Download(Tensor tensor)
    {
        int bytes = checked((int)tensor.View.Bytes);
        if (_buffer.Length < bytes)
            _buffer = new byte[bytes];
        Span<byte> filled = _buffer.AsSpan(0, bytes);
        tensor.Device.Backend.Download(tensor.View, filled);
        return filled;
    }

    /// <summary>Writes the file in place of any older one (see <see cref="AtomicFile"/>).</summary>
    /// <exception cref="InvalidOperationException">A tensor gave another number of bytes than its type and shape ask for; the file is left as it was.</exception>
    public void Save(string path) => AtomicFile.Write(path, Write);

    /// <summary>Writes the content of the file to a stream that knows its position.</summary>
    public void Write(Stream stream)
    {
        Item[] items = Ordered();
        stream.Write(Head(items));
        foreach (Item item in items)
        {
            long start = stream.Position;
            item.Write(stream);
            if (stream.Position - start != item.Length)
                throw new InvalidOperationException($"Tensor '{item.Name}' of {item.Type} [{string.Join(", ", item.Shape)}] takes {item.Length} bytes and gave {stream.Position - start}.");
        }
    }

    /// <summary>What precedes the data of the tensors that were added.</summary>
    internal byte[] Head() => Head(Ordered());

    private Item[] Ordered() => [.. _items.Values.OrderByDescending(item => SafetensorsTypes.Size(item.Type)).ThenBy(item => item.Name, StringComparer.Ordinal)];

    /// <summary>The length of the JSON, and the JSON.</summary>
    private byte[] Head(Item[] items)
    {
        using MemoryStream stream = new();
        stream.Write(stackalloc byte[LengthBytes]);
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach ((string key, string value) in Metadata)
                    json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (Item item in items)
            {
                json.WriteStartObject(item.Name);
                json.WriteString("dtype", item.Type);
                json.WriteStartArray("shape");
                foreach (long axis in item.Shape)
                    json.WriteNumberValue(axis);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset = checked(offset + item.Length));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (stream.Length % Alignment != 0)
            stream.WriteByte((byte)' ');
        byte[] head = stream.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(head, head.Length - LengthBytes);
        return head;
    }

    private static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("The file is little-endian: give the bytes in that order through AddRaw.");
    }
}
