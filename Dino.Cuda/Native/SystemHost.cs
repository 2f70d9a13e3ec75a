using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>The machine this runs on.</summary>
internal sealed class SystemHost : ILibraryHost
{
    public bool IsWindows => OperatingSystem.IsWindows();

    public string? Variable(string name) => Environment.GetEnvironmentVariable(name);

    public IEnumerable<string> FoldersIn(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path))] : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool TryLoad(string pathOrName, out nint handle) => NativeLibrary.TryLoad(pathOrName, out handle);

    public nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0;
}
