namespace Dino.Tests.Golden;

/// <summary>
/// Finds golden cases by reading folders: the selection in this repository (<c>Fixtures/</c>) and, when the environment names
/// one in <c>DINO_FIXTURES</c>, a whole folder of the same format. New cases need no new code.
/// </summary>
public static class FixtureStore
{
    /// <summary>Folders searched; a group in the environment's folder hides the built-in group of the same name.</summary>
    public static IReadOnlyList<string> Roots { get; } = FindRoots();

    /// <summary>All group folders by name.</summary>
    public static IReadOnlyDictionary<string, string> Groups { get; } = FindGroups();

    /// <summary>Every case of a group that <paramref name="filter"/> accepts, as theory data: <c>group/case</c>.</summary>
    public static TheoryData<string> Cases(string group, Func<string, bool>? filter = null)
    {
        TheoryData<string> data = [];
        foreach (string name in Names(group).Where(name => filter?.Invoke(name) ?? true))
            data.Add($"{group}/{name}");
        return data;
    }

    /// <summary>Names of all cases of a group, without the files that only hold weights.</summary>
    public static IEnumerable<string> Names(string group) => !Groups.TryGetValue(group, out string? folder)
        ? []
        : Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories)
            .Where(path => !path.EndsWith(".weights.json", StringComparison.Ordinal))
            .Select(path => Path.ChangeExtension(Path.GetRelativePath(folder, path), null).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    /// <summary>Opens <c>group/case</c> and counts it as run.</summary>
    public static FixtureCase Open(string id)
    {
        int slash = id.IndexOf('/', StringComparison.Ordinal);
        FixtureCoverage.Ran(id);
        return new FixtureCase(PathOf(id[..slash], id[(slash + 1)..]));
    }

    /// <summary>Path of the json file of a case.</summary>
    public static string PathOf(string group, string name) => Path.Combine(Groups[group], name + ".json");

    private static List<string> FindRoots()
    {
        List<string> roots = [];
        string? external = Environment.GetEnvironmentVariable("DINO_FIXTURES");
        if (!string.IsNullOrEmpty(external))
            roots.Add(Directory.Exists(external) ? external : throw new DirectoryNotFoundException($"DINO_FIXTURES names '{external}', which is not a folder."));
        roots.Add(Path.Combine(AppContext.BaseDirectory, "Fixtures"));
        return roots;
    }

    private static Dictionary<string, string> FindGroups()
    {
        Dictionary<string, string> groups = new(StringComparer.Ordinal);
        foreach (string root in Roots.Where(Directory.Exists))
        {
            foreach (string folder in Directory.EnumerateDirectories(root))
                groups.TryAdd(Path.GetFileName(folder), folder);
        }

        return groups;
    }
}
