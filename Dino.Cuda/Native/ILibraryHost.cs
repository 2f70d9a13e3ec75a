namespace Dino.Cuda.Native;

/// <summary>What the search for libraries needs of a machine.</summary>
/// <remarks>Behind an interface so that every machine, also one with two GPUs and one with none, can be played in a test.</remarks>
internal interface ILibraryHost
{
    /// <summary>Windows has other names, folders and separators than Linux.</summary>
    bool IsWindows { get; }

    /// <summary>An environment variable, or null.</summary>
    string? Variable(string name);

    /// <summary>Names of the folders in a folder; none if it does not exist or cannot be read.</summary>
    IEnumerable<string> FoldersIn(string folder);

    bool FileExists(string path);

    /// <summary>Loads a library by its path, or by its name as the system's loader finds it.</summary>
    bool TryLoad(string pathOrName, out nint handle);

    /// <summary>Address of a function in a loaded library; 0 if it has none of that name.</summary>
    nint Export(nint library, string name);
}
