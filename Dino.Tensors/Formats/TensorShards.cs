using System.Text.Json;
using Dino.Tensors.Cpu;

namespace Dino.Tensors.Formats;

/// <summary>
/// A model in several files, safetensors or of torch.save, with an index that says which tensor is in which: <c>model.safetensors.index.json</c> or <c>pytorch_model.bin.index.json</c>.
/// </summary>
/// <remarks>The format of Hugging Face: <c>{"metadata": {...}, "weight_map": {"name": "model-00001-of-00002.safetensors", ...}}</c>.</remarks>
public sealed class TensorShards : TensorFile
{
    private const long MaxIndexBytes = 100_000_000;

    private readonly Dictionary<string, TensorFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorFile> _fileOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private TensorShards(string path)
        : base(path)
    {
        if (new FileInfo(path).Length > MaxIndexBytes)
            throw new InvalidDataException($"{path}: an index of more than {MaxIndexBytes} bytes is not read.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            Read(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            Dispose();
            throw new InvalidDataException($"{path} is not the index of a model in shards: {error.Message}", error);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Format => $"{string.Join(" and ", _files.Values.Select(file => file.Format).Distinct().Order(StringComparer.Ordinal))} shards";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>The index's own metadata.</summary>
    public override IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>The files, by the names in the index.</summary>
    public IReadOnlyDictionary<string, TensorFile> Files => _files;

    /// <summary>Opens an index and the files it names.</summary>
    /// <exception cref="InvalidDataException">The index is damaged, names a file that lies elsewhere, or a tensor that its file lacks.</exception>
    /// <exception cref="FileNotFoundException">A file of the index is missing.</exception>
    /// <exception cref="TorchFileException">A file of torch.save that is damaged or not only data.</exception>
    public static new TensorShards Open(string path) => new(path);

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (TensorFile file in _files.Values)
            file.Dispose();
    }

    internal override TensorReader Reader(TensorEntry entry) => _fileOf[entry.Name].Reader(entry);

    internal override bool TryLocate(string name, out long position)
    {
        position = 0;
        return false;
    }

    internal override MappedFile? Map() => null;

    private void Read(JsonElement root)
    {
        if (root.TryGetProperty("metadata", out JsonElement metadata) && metadata.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty item in metadata.EnumerateObject())
                _metadata[item.Name] = item.Value.ToString();
        }

        if (!root.TryGetProperty("weight_map", out JsonElement map))
            throw new InvalidDataException($"{FilePath}: a JSON file without 'weight_map' is not the index of a model in shards.");
        foreach (JsonProperty item in map.EnumerateObject())
            Add(item.Name, item.Value.GetString() ?? "");
    }

    private void Add(string name, string shard)
    {
        // Beside the index and nowhere else: an index must not make a reader open other files.
        if (shard.Length == 0 || Path.GetFileName(shard) != shard || shard.Contains('\\', StringComparison.Ordinal) || shard is "." or "..")
            throw new InvalidDataException($"{FilePath}: tensor '{name}' is to be in '{shard}', which is not the name of a file beside the index.");
        if (!_files.TryGetValue(shard, out TensorFile? file))
            _files.Add(shard, file = OpenShard(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(FilePath))!, shard)));
        if (!file.Entries.TryGetValue(name, out TensorEntry? entry))
            throw new InvalidDataException($"{FilePath}: tensor '{name}' is missing in '{shard}'.");
        if (!_entries.TryAdd(name, entry))
            throw new InvalidDataException($"{FilePath}: tensor '{name}' is listed twice.");
        _fileOf.Add(name, file);
    }
}
