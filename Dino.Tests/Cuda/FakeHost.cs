using Dino.Cuda.Native;

namespace Dino.Tests.Cuda;

/// <summary>A machine made of lists. Paths are written with slashes on every system.</summary>
internal sealed class FakeHost : ILibraryHost
{
    private readonly List<string> _loaded = [];

    public bool IsWindows { get; init; }

    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Files that exist; all of them load but the <see cref="Broken"/> ones.</summary>
    public List<string> Files { get; } = [];

    public List<string> Broken { get; } = [];

    /// <summary>Names that the system's loader finds.</summary>
    public List<string> Known { get; } = [];

    /// <summary>What was given to the system's loader, in order.</summary>
    public List<string> Attempts { get; } = [];

    /// <summary>What every library exports.</summary>
    public FakeDriver Driver { get; init; } = new();

    public string? Variable(string name) => Variables.GetValueOrDefault(name);

    public IEnumerable<string> FoldersIn(string folder)
    {
        string prefix = Slashes(folder).TrimEnd('/') + "/";
        return Files.Where(file => file.StartsWith(prefix, StringComparison.Ordinal) && file.LastIndexOf('/') > prefix.Length)
            .Select(file => file[prefix.Length..file.IndexOf('/', prefix.Length)]).Distinct();
    }

    public bool FileExists(string path) => Files.Contains(Slashes(path));

    public bool TryLoad(string pathOrName, out nint handle)
    {
        string path = Slashes(pathOrName);
        Attempts.Add(path);
        bool loads = Known.Contains(path) || (Files.Contains(path) && !Broken.Contains(path));
        if (loads)
            _loaded.Add(path);
        handle = loads ? _loaded.Count : 0;
        return loads;
    }

    public nint Export(nint library, string name)
    {
        Assert.InRange(library, 1, _loaded.Count);
        return Driver.Export(name);
    }

    public static string Slashes(string path) => path.Replace('\\', '/');
}
