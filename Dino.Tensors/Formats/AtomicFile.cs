namespace Dino.Tensors.Formats;

/// <summary>Replaces files as a whole: a reader, or a machine that loses power, sees the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    // Files are written in pieces of their own choice; the buffer only gathers the small ones.
    private const int BufferBytes = 1 << 16;

    private const string Ending = ".tmp";
    private const int GuidDigits = 32;

    /// <summary>Writes a temporary file beside <paramref name="path"/>, flushes it to the disk and renames it over the target.</summary>
    /// <param name="path">The file to create or replace. Its folder must exist.</param>
    /// <param name="write">Writes the content. If it throws, the target stays as it was and the temporary file is removed.</param>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string temporary = $"{path}.{Guid.NewGuid():N}{Ending}";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes))
            {
                write(stream);
                // The rename must not reach the disk before the data does.
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes lines as UTF-8, each ended by a line feed.</summary>
    /// <param name="path">The file to create or replace. Its folder must exist.</param>
    /// <param name="lines">In order.</param>
    public static void WriteLines(string path, IEnumerable<string> lines) => Write(path, stream =>
    {
        using StreamWriter writer = new(stream, leaveOpen: true) { NewLine = "\n" };
        foreach (string line in lines)
            writer.WriteLine(line);
    });

    /// <summary>Removes the temporary files of writers that were killed. Nobody else may be writing this file.</summary>
    /// <param name="path">The file they were to replace; it stays as it is.</param>
    public static void RemoveLeftovers(string path)
    {
        string full = Path.GetFullPath(path), name = Path.GetFileName(full);
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(full)!, $"{name}.*{Ending}"))
        {
            if (Path.GetFileName(file).Length == name.Length + 1 + GuidDigits + Ending.Length)
                File.Delete(file);
        }
    }
}
