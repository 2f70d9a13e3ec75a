namespace Dino.Ssl.Data;

/// <summary>
/// The pictures below a folder: either one sub-folder per class, or simply pictures. Order and class numbers depend on names
/// alone, compared by character code, so they are the same on every machine.
/// </summary>
public sealed class ImageFolder
{
    private static readonly string[] DefaultExtensions = [".jpg", ".jpeg", ".png"];

    private ImageFolder(string path, string[] classes, ImageSample[] samples) =>
        (Path, Classes, Samples) = (path, Array.AsReadOnly(classes), Array.AsReadOnly(samples));

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Names of the classes, sorted; empty in a folder without classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>All pictures, by class and then by path.</summary>
    public IReadOnlyList<ImageSample> Samples { get; }

    /// <summary>Number of pictures.</summary>
    public int Count => Samples.Count;

    /// <summary>
    /// Lists a folder. Sub-folders that hold pictures at any depth are classes and pictures beside them are left out, as in
    /// torchvision; without such sub-folders the pictures of the folder itself are taken. Names starting with a dot are not seen.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="extensions">Endings of picture files with their dot, in any case; null for .jpg, .jpeg and .png. The ending only selects files: decoding goes by content.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no picture; the message says what it holds instead.</exception>
    public static ImageFolder Open(string path, IReadOnlyCollection<string>? extensions = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string root = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException(File.Exists(root) ? $"'{path}' is a file. Name the folder that holds the pictures." : $"There is no folder '{path}' (looked for {root}).");
        HashSet<string> endings = new(extensions ?? DefaultExtensions, StringComparer.OrdinalIgnoreCase);
        List<string> classes = [];
        List<ImageSample> samples = [];
        foreach (string name in Directory.EnumerateDirectories(root).Select(folder => System.IO.Path.GetFileName(folder)).Where(IsVisible).Order(StringComparer.Ordinal))
        {
            string folder = System.IO.Path.Combine(root, name);
            string[] files = [.. Files(folder, recurse: true).Where(IsPicture).OrderBy(file => Sortable(folder, file), StringComparer.Ordinal)];
            if (files.Length == 0)
                continue;
            samples.AddRange(files.Select(file => new ImageSample(file, classes.Count)));
            classes.Add(name);
        }

        if (samples.Count == 0)
            samples.AddRange(Files(root, recurse: false).Where(IsPicture).OrderBy(file => Sortable(root, file), StringComparer.Ordinal).Select(file => new ImageSample(file, -1)));
        if (samples.Count == 0)
            throw new InvalidDataException(Nothing(path, root, endings));
        return new ImageFolder(root, [.. classes], [.. samples]);

        bool IsPicture(string file) => endings.Contains(System.IO.Path.GetExtension(file)) && IsVisible(System.IO.Path.GetFileName(file));
    }

    /// <summary>The same folder with some of its pictures, in a chosen order.</summary>
    /// <param name="indices">Positions in <see cref="Samples"/>.</param>
    public ImageFolder Only(IEnumerable<int> indices) => new(Path, [.. Classes], [.. indices.Select(index => Samples[index])]);

    private static bool IsVisible(string name) => !name.StartsWith('.');

    // Links may form circles; nobody nests pictures 32 folders deep.
    private static IEnumerable<string> Files(string folder, bool recurse) =>
        Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = recurse, MaxRecursionDepth = 32, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.System });

    private static string Sortable(string folder, string file) => System.IO.Path.GetRelativePath(folder, file).Replace('\\', '/');

    private static string Nothing(string path, string root, HashSet<string> endings)
    {
        var others = Files(root, recurse: true)
            .GroupBy(file => System.IO.Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)
            .OrderByDescending(group => group.Count())
            .Take(4)
            .Select(group => $"{group.Count()} {(group.Key.Length == 0 ? "without ending" : group.Key)}");
        string instead = string.Join(", ", others);
        return $"'{path}' holds no picture: no file ends in {string.Join(", ", endings.Order(StringComparer.Ordinal))}. "
            + (instead.Length == 0 ? "It is empty. " : $"It holds {instead}. ")
            + "Name a folder with pictures in it or with one sub-folder of pictures per class.";
    }
}
