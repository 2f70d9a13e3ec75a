using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Retrieval;

/// <summary>
/// The file of an index, safetensors: <c>features</c> F32 [N, D], unit rows; <c>bytes</c> and <c>modified</c> I64 [N], lengths of the files and ticks of UTC;
/// <c>paths</c> U8, UTF-8, each ended by a zero (no file name holds one). The origin is JSON in the metadata.
/// </summary>
internal static class IndexFile
{
    public const string Features = "features";

    private static readonly string[] s_tensors = [Features, "bytes", "modified", "paths"];

    private const string Format = "dino-index-1";
    private const string FormatKey = "format", OriginKey = "origin", FolderKey = "folder";

    public static void Save(string path, string folder, IndexOrigin origin, IReadOnlyList<IndexedPicture> pictures, ReadOnlyMemory<float> features, int width)
    {
        SafetensorsWriter writer = new();
        writer.Metadata[FormatKey] = Format;
        writer.Metadata[OriginKey] = JsonSerializer.Serialize(origin, RetrievalJson.Default.IndexOrigin);
        writer.Metadata[FolderKey] = folder;
        byte[] names = Encoding.UTF8.GetBytes(string.Concat(pictures.Select(picture => picture.Path + '\0')));
        writer.Add(Features, [pictures.Count, width], features);
        AddTicks("bytes", picture => picture.Bytes);
        AddTicks("modified", picture => picture.Modified.Ticks);
        writer.AddRaw("paths", "U8", [names.Length], () => names);
        writer.Save(path);

        void AddTicks(string name, Func<IndexedPicture, long> value)
        {
            byte[] bytes = new byte[pictures.Count * sizeof(long)];
            foreach ((int i, IndexedPicture picture) in pictures.Index())
                BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), value(picture));
            writer.AddRaw(name, "I64", [pictures.Count], () => bytes);
        }
    }

    /// <summary>Opens a file and checks that it is an index.</summary>
    /// <exception cref="InvalidDataException">It is not, or it is damaged.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault(FormatKey) == Format)
            return file;
        file.Dispose();
        throw new InvalidDataException($"{path} is no index: it was not made by dino index.");
    }

    public static IndexOrigin Origin(SafetensorsFile file)
    {
        try
        {
            return JsonSerializer.Deserialize(file.Metadata.GetValueOrDefault(OriginKey) ?? "", RetrievalJson.Default.IndexOrigin) ?? throw Damaged(file);
        }
        catch (JsonException)
        {
            throw Damaged(file);
        }
    }

    public static string Folder(SafetensorsFile file) => file.Metadata.GetValueOrDefault(FolderKey) ?? throw Damaged(file);

    public static IndexedPicture[] Pictures(SafetensorsFile file)
    {
        if (!s_tensors.All(file.Entries.ContainsKey))
            throw Damaged(file);
        string[] names = Encoding.UTF8.GetString(file.ReadRaw("paths")).Split('\0')[..^1];
        long[] bytes = MemoryMarshal.Cast<byte, long>(file.ReadRaw("bytes")).ToArray(), ticks = MemoryMarshal.Cast<byte, long>(file.ReadRaw("modified")).ToArray();
        IReadOnlyList<long> shape = file.Entry(Features).Shape;
        if (shape.Count != 2 || shape[0] != names.Length || names.Length == 0 || names.Distinct(StringComparer.Ordinal).Count() != names.Length || shape[0] != bytes.Length || shape[0] != ticks.Length || ticks.Any(tick => tick < 0 || tick > DateTime.MaxValue.Ticks))
            throw Damaged(file);
        return [.. names.Select((name, i) => new IndexedPicture(name, bytes[i], new DateTime(ticks[i], DateTimeKind.Utc)))];
    }

    private static InvalidDataException Damaged(SafetensorsFile file) => new($"{file.FilePath} is damaged: it is no whole index. Delete it and make it anew with dino index.");
}
