using System.Text.Json;

namespace Dino.Tensors.Formats;

/// <summary>Parses the JSON header of a safetensors file and checks every number in it against the others and the file.</summary>
internal sealed class SafetensorsHeader
{
    private readonly string _path;
    private readonly long _dataStart, _dataBytes;

    private SafetensorsHeader(string path, long dataStart, long dataBytes) => (_path, _dataStart, _dataBytes) = (path, dataStart, dataBytes);

    public Dictionary<string, TensorEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>First byte of each tensor in the file.</summary>
    public Dictionary<string, long> Offsets { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a header.</summary>
    /// <param name="path">Named in errors.</param>
    /// <param name="json">The header's bytes.</param>
    /// <param name="dataStart">Position of the first data byte in the file.</param>
    /// <param name="dataBytes">Number of bytes from there to the end of the file.</param>
    public static SafetensorsHeader Parse(string path, byte[] json, long dataStart, long dataBytes)
    {
        SafetensorsHeader header = new(path, dataStart, dataBytes);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            header.ReadRoot(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{path}: the header is not valid safetensors JSON: {error.Message}", error);
        }

        header.CheckTiling();
        return header;
    }

    private void ReadRoot(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{_path}: the header is a JSON {root.ValueKind}, not an object.");
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (property.NameEquals("__metadata__"))
            {
                foreach (JsonProperty item in property.Value.EnumerateObject())
                    Metadata[item.Name] = item.Value.GetString() ?? throw new InvalidDataException($"{_path}: metadata '{item.Name}' is not a string.");
            }
            else if (!Entries.TryAdd(property.Name, ReadEntry(property)))
            {
                throw new InvalidDataException($"{_path}: tensor '{property.Name}' is listed twice.");
            }
        }
    }

    private TensorEntry ReadEntry(JsonProperty property)
    {
        string name = property.Name;
        string type = property.Value.GetProperty("dtype").GetString() ?? "";
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(item => item.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(item => item.GetInt64())];
        int size = SafetensorsTypes.Size(type);
        if (size == 0)
            throw new InvalidDataException($"{_path}: tensor '{name}' has the unknown element type '{type}'.");
        long count = 1;
        foreach (long axis in shape)
            count = axis >= 0 ? checked(count * axis) : throw new InvalidDataException($"{_path}: tensor '{name}' has a negative axis in [{string.Join(", ", shape)}].");
        if (offsets is not [long start, long end] || start < 0 || end < start || end > _dataBytes)
            throw new InvalidDataException($"{_path}: tensor '{name}' lies at [{string.Join(", ", offsets)}], outside the {_dataBytes} data bytes.");
        if (checked(count * size) != end - start)
            throw new InvalidDataException($"{_path}: tensor '{name}' of {type} [{string.Join(", ", shape)}] needs {count * size} bytes and has {end - start}.");
        Offsets[name] = _dataStart + start;
        return new TensorEntry(name, type, shape);
    }

    /// <summary>
    /// The tensors must tile the data without overlap, hole or rest, as the reference implementation demands: an overlap makes
    /// two names share bytes, a hole or a rest is room for content that no reader checks, or the sign of a damaged file.
    /// </summary>
    private void CheckTiling()
    {
        long end = _dataStart;
        string? before = null;
        foreach (TensorEntry entry in Entries.Values.OrderBy(entry => Offsets[entry.Name]).ThenBy(entry => entry.Length))
        {
            long offset = Offsets[entry.Name];
            if (offset != end)
            {
                string where = before is null ? "the start of the data" : $"the end of tensor '{before}'";
                throw new InvalidDataException($"{_path}: tensor '{entry.Name}' starts {Math.Abs(offset - end)} bytes {(offset < end ? "before" : "after")} {where}; tensors must follow one another without overlap or hole.");
            }

            (end, before) = (offset + entry.Length, entry.Name);
        }

        if (end != _dataStart + _dataBytes)
            throw new InvalidDataException($"{_path}: {_dataStart + _dataBytes - end} bytes follow the last tensor and belong to none.");
    }
}
