using System.IO.Enumeration;

namespace Dino.Cuda.Native;

/// <summary>Finds shared libraries where drivers, toolkits and Python wheels put them.</summary>
/// <remarks>
/// In this order: the folders of <c>DINO_CUDA_PATH</c>, the system's own search, the CUDA toolkit, the wheels. What the user names comes first;
/// wheels come last because they belong to another program, but on many machines they are the only cuBLAS there is.
/// </remarks>
internal sealed class LibrarySearch(ILibraryHost host)
{
    /// <summary>The environment variable that lists folders to search first.</summary>
    public const string PathVariable = "DINO_CUDA_PATH";

    /// <summary>Loads the first library that there is and that can be loaded.</summary>
    public CudaLibrary Find(LibraryNames library)
    {
        string[] names = host.IsWindows ? library.OnWindows : library.OnLinux;
        List<string> folders = [], broken = [];
        foreach (string? folder in Places(library).Distinct())
        {
            if (folder is not null)
                folders.Add(folder);
            foreach (string name in names)
            {
                string path = folder is null ? name : Path.Combine(folder, name);
                if (folder is not null && !host.FileExists(path))
                    continue;
                if (host.TryLoad(path, out nint handle))
                    return new CudaLibrary(library.Title, path, null) { Handle = handle };
                if (folder is not null)
                    broken.Add(path);
            }
        }

        return new CudaLibrary(library.Title, null, Explain(library, names, folders, broken));
    }

    private static string Explain(LibraryNames library, string[] names, List<string> folders, List<string> broken)
    {
        string reason = $"No {library.Title} was found: the system's loader could not load {string.Join(", ", names)}";
        if (folders.Count > 0)
            reason += $", nor is there one that loads in {string.Join(", ", folders)}";
        if (broken.Count > 0)
            reason += $"; {string.Join(", ", broken)} cannot be loaded (damaged, made for another system, or in need of a library that is missing)";
        return $"{reason}. {library.Remedy}";
    }

    /// <summary>Folders in their order; null stands for the system's own search.</summary>
    private IEnumerable<string?> Places(LibraryNames library)
    {
        IEnumerable<string?> places = Listed().Append(null);
        return library.IsInToolkit ? places.Concat(Toolkit()).Concat(Wheels()) : places;
    }

    private string[] Listed() => Folders(PathVariable);

    /// <summary>The folders that a variable lists.</summary>
    private string[] Folders(string variable) =>
        host.Variable(variable)?.Split(host.IsWindows ? ';' : ':', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private IEnumerable<string> Toolkit()
    {
        string[] inside = host.IsWindows ? ["bin", Path.Combine("bin", "x64")] : ["lib64"];
        foreach (string variable in (string[])["CUDA_PATH", "CUDA_HOME"])
        {
            if (host.Variable(variable) is not { Length: > 0 } root)
                continue;
            foreach (string folder in inside)
                yield return Path.Combine(root, folder);
        }

        if (host.IsWindows)
            yield break;
        foreach (string folder in Existing("/usr/local/cuda", "lib64"))
            yield return folder;
    }

    private IEnumerable<string> Wheels()
    {
        (string? Root, string Packages)[] sites = host.IsWindows
            ? [
                (host.Variable("VIRTUAL_ENV"), "Lib/site-packages"),
                (host.Variable("CONDA_PREFIX"), "Lib/site-packages"),
                (host.Variable("APPDATA"), "Python/Python3*/site-packages"),
                .. Interpreters("python.exe").Select(folder => (folder, "Lib/site-packages")),
            ]
            : [
                (host.Variable("VIRTUAL_ENV"), "lib/python3*/site-packages"),
                (host.Variable("CONDA_PREFIX"), "lib/python3*/site-packages"),
                (host.Variable("HOME"), ".local/lib/python3*/site-packages"),
                .. Interpreters("python3").Select(folder => (Path.GetDirectoryName(folder), "lib/python3*/site-packages")),
                ("/usr/local", "lib/python3*/*-packages"),
                ("/usr", "lib/python3*/*-packages"),
            ];
        // One folder holds all of CUDA 13; before it each library had its own.
        string[] inside = host.IsWindows ? ["nvidia/cu13/bin/x86_64", "nvidia/cublas/bin"] : ["nvidia/cu13/lib", "nvidia/cublas/lib"];
        foreach ((string? root, string packages) in sites)
        {
            if (string.IsNullOrEmpty(root))
                continue;
            foreach (string path in inside.SelectMany(folder => Existing(root, $"{packages}/{folder}")))
                yield return path;
        }
    }

    /// <summary>Folders of the programs called so: a virtual environment need not be active for its Python to be the one that is run.</summary>
    private IEnumerable<string> Interpreters(string program) => Folders("PATH").Where(folder => host.FileExists(Path.Combine(folder, program)));

    /// <summary>The folders below a root whose names match, part by part.</summary>
    private IEnumerable<string> Existing(string root, string pattern)
    {
        IEnumerable<string> found = [root];
        foreach (string part in pattern.Split('/'))
        {
            found = from parent in found
                    from name in host.FoldersIn(parent).Order(StringComparer.Ordinal)
                    where FileSystemName.MatchesSimpleExpression(part, name, ignoreCase: host.IsWindows)
                    select Path.Combine(parent, name);
        }

        return found;
    }
}
