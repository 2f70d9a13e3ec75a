using System.IO.Compression;

namespace Dino.Tensors.Formats;

/// <summary>NumPy's .npz archives: a zip of .npy files, the array names being the entry names without the ending.</summary>
public static class NpzFile
{
    private const string Ending = ".npy";

    /// <summary>Reads all arrays, stored or deflated.</summary>
    /// <exception cref="InvalidDataException">Not a zip, or an entry that is not a readable .npy file; the message names it.</exception>
    public static IReadOnlyDictionary<string, NpyArray> Load(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        Dictionary<string, NpyArray> arrays = new(StringComparer.Ordinal);
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith(Ending, StringComparison.Ordinal))
                throw new InvalidDataException($"{path}: entry '{entry.FullName}' is not an .npy file.");
            try
            {
                using Stream stream = entry.Open();
                if (!arrays.TryAdd(entry.FullName[..^Ending.Length], NpyArray.Read(stream)))
                    throw new InvalidDataException("the name occurs twice.");
            }
            catch (InvalidDataException error)
            {
                throw new InvalidDataException($"{path}: entry '{entry.FullName}': {error.Message}", error);
            }
        }

        return arrays;
    }

    /// <summary>Writes an archive in place of any older one.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="arrays">Names and arrays, in the order of the archive.</param>
    /// <param name="compress">Deflate the entries as numpy.savez_compressed does; float weights hardly shrink.</param>
    public static void Save(string path, IEnumerable<KeyValuePair<string, NpyArray>> arrays, bool compress = false) => AtomicFile.Write(path, stream =>
    {
        // The epoch of zip in place of the clock: equal arrays give equal files.
        DateTimeOffset epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, NpyArray array) in arrays)
        {
            ZipArchiveEntry entry = archive.CreateEntry(name + Ending, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
            entry.LastWriteTime = epoch;
            using Stream content = entry.Open();
            array.Write(content);
        }
    });
}
