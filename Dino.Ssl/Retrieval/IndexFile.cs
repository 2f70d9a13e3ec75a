using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Dino.Ssl.Embedding;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Retrieval;

/// <summary>
/// The file of an index, safetensors, replaced as a whole: <c>features</c> F32 [N, D], unit rows; of all M files of the folder <c>bytes</c> and <c>modified</c> I64 [M], their lengths and
/// ticks of UTC, and <c>paths</c> and <c>reasons</c> U8, UTF-8, each ended by a zero (no file name holds one). A file with a reason could not be used and has no row. The settings are
/// JSON in the metadata.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class IndexFile(string path) : EmbeddingOutput(path)
{
    public const string Features = "features";

    private static readonly string[] s_tensors = [Features, "bytes", "modified", "paths", "reasons"];

    private const string Format = "dino-index-2", AnyFormat = "dino-index-";
    private const string FormatKey = "format", SettingsKey = "settings", FolderKey = "folder";

    /// <summary>Features that cannot be compared with the new ones are refused, and a file that is no index is never replaced.</summary>
    public override EmbeddingManifest? Find(EmbeddingSettings settings, bool restart, out string? finding)
    {
        finding = null;
        if (!File.Exists(Path))
            return null;
        using SafetensorsFile file = Open(Path, isReplaced: restart);
        if (restart)
            return null;
        EmbeddingManifest earlier = Manifest(file);
        Require(earlier.Settings, settings, Path);
        return earlier;
    }

    public override MatrixFile OpenRows(EmbeddingManifest manifest) => MatrixFile.OpenTensor(Path, Features);

    public override void Save(EmbeddingManifest manifest, UnfinishedRows rows)
    {
        // What could not be read, unlike decoded, may be readable the next time: a file that is not listed is tried again.
        EmbeddedFile[] files = [.. manifest.Files.Where(file => !file.Again)];
        SafetensorsWriter writer = new();
        writer.Metadata[FormatKey] = Format;
        writer.Metadata[SettingsKey] = JsonSerializer.Serialize(manifest.Settings, EmbeddingJson.Default.EmbeddingSettings);
        writer.Metadata[FolderKey] = manifest.Folder;
        writer.AddStreamed(Features, "F32", [manifest.Count, manifest.Width], stream => Copy(manifest, rows, (_, row) => stream.Write(MemoryMarshal.AsBytes<float>(row))));
        AddNumbers("bytes", file => file.Bytes);
        AddNumbers("modified", file => file.Modified.Ticks);
        AddTexts("paths", file => file.Path);
        AddTexts("reasons", file => file.Skipped?.Replace('\0', ' '));
        writer.Save(Path);

        void AddNumbers(string name, Func<EmbeddedFile, long> value)
        {
            byte[] bytes = new byte[files.Length * sizeof(long)];
            foreach ((int i, EmbeddedFile file) in files.Index())
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), value(file));
            writer.AddRaw(name, "I64", [files.Length], () => bytes);
        }

        void AddTexts(string name, Func<EmbeddedFile, string?> value)
        {
            byte[] texts = Encoding.UTF8.GetBytes(string.Concat(files.Select(file => value(file) + '\0')));
            writer.AddRaw(name, "U8", [texts.Length], () => texts);
        }
    }

    /// <summary>Opens a file and checks that it is an index.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isReplaced">Nothing but that is asked of it: it may be of an earlier version.</param>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public static SafetensorsFile Open(string path, bool isReplaced = false)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        string format = file.Metadata.GetValueOrDefault(FormatKey) ?? "";
        bool isAny = format.StartsWith(AnyFormat, StringComparison.Ordinal);
        if (format == Format || (isAny && isReplaced))
            return file;
        file.Dispose();
        throw new InvalidDataException(isAny
            ? $"{path} is an index of another version ({format}, not {Format}). Make it anew with dino index --restart."
            : $"{path} is no index: it was not made by dino index.");
    }

    /// <summary>What the index holds.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static EmbeddingManifest Manifest(SafetensorsFile file)
    {
        try
        {
            EmbeddingSettings? settings = JsonSerializer.Deserialize(file.Metadata.GetValueOrDefault(SettingsKey) ?? "", EmbeddingJson.Default.EmbeddingSettings);
            IReadOnlyList<EmbeddedFile>? files = s_tensors.All(file.Entries.ContainsKey) ? Files(file) : null;
            if (settings is not null && files is not null && file.Metadata.TryGetValue(FolderKey, out string? folder)
                && file.Entry(Features) is { Type: "F32", Shape: [> 0 and var count, > 0 and <= int.MaxValue and var width] } && files.Count(item => item.Skipped is null) == count)
                return new EmbeddingManifest(EmbeddingManifest.CurrentFormat, Completed: true, (int)count, (int)width, settings, folder, files);
        }
        catch (JsonException)
        {
            // As damaged as without it.
        }

        throw new InvalidDataException($"{file.FilePath} is damaged: it is no whole index. Make it anew with dino index --restart.");
    }

    /// <summary>Refuses features that cannot be compared with those of an index.</summary>
    /// <param name="made">Settings of the index.</param>
    /// <param name="now">Those of the other features.</param>
    /// <param name="index">Its file.</param>
    /// <exception cref="InvalidDataException">They differ; the message says in what, and what to do.</exception>
    public static void Require(EmbeddingSettings made, EmbeddingSettings now, string index)
    {
        if (now.ObstaclesTo(made) is { Count: > 0 } obstacles)
            throw new InvalidDataException($"{index} was made with other settings, and such features cannot be compared; what differs: {string.Join(", ", obstacles)}. Give the settings of the index, or make an index of its own for these.");
    }

    /// <summary>The files of an index in their order; null if the tensors do not fit each other.</summary>
    private static EmbeddedFile[]? Files(SafetensorsFile file)
    {
        string[] names = Texts("paths"), reasons = Texts("reasons");
        long[] bytes = Numbers("bytes"), ticks = Numbers("modified");
        int count = names.Length;
        if (reasons.Length != count || bytes.Length != count || ticks.Length != count || ticks.Any(tick => tick < 0 || tick > DateTime.MaxValue.Ticks) || names.Distinct(StringComparer.Ordinal).Count() != count)
            return null;
        return [.. names.Select((name, i) => new EmbeddedFile(name, bytes[i], new DateTime(ticks[i], DateTimeKind.Utc)) { Skipped = reasons[i].Length == 0 ? null : reasons[i] })];

        string[] Texts(string name) => Encoding.UTF8.GetString(file.ReadRaw(name)).Split('\0')[..^1];

        long[] Numbers(string name) => file.Entry(name).Type == "I64" ? MemoryMarshal.Cast<byte, long>(file.ReadRaw(name)).ToArray() : [];
    }
}
