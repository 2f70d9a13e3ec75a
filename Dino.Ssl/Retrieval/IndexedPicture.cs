namespace Dino.Ssl.Retrieval;

/// <summary>A picture of an index, as it was when its feature was computed.</summary>
/// <param name="Path">Below the folder of the index, with slashes.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Modified">When the file was last written, in UTC.</param>
public readonly record struct IndexedPicture(string Path, long Bytes, DateTime Modified)
{
    /// <summary>A file as it is now.</summary>
    internal static IndexedPicture Of(string folder, string file)
    {
        FileInfo info = new(file);
        return new IndexedPicture(System.IO.Path.GetRelativePath(folder, file).Replace('\\', '/'), info.Length, info.LastWriteTimeUtc);
    }
}
