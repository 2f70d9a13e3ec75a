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
        string root = RequireFolder(path);
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

    /// <summary>
    /// Lists every picture below a folder, at any depth, by path: for work that must not leave one out. The folders in it are classes if every picture lies in
    /// one of them. Names starting with a dot are not seen, of folders neither.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It holds no picture; the message says what it holds instead.</exception>
    public static ImageFolder OpenTree(string path)
    {
        string root = RequireFolder(path);
        HashSet<string> endings = new(DefaultExtensions, StringComparer.OrdinalIgnoreCase);
        string[] names = [.. Files(root, recurse: true)
            .Where(file => endings.Contains(System.IO.Path.GetExtension(file)))
            .Select(file => Sortable(root, file))
            .Where(name => name.Split('/').All(IsVisible))
            .Order(StringComparer.Ordinal)];
        if (names.Length == 0)
            throw new InvalidDataException(Nothing(path, root, endings));
        string?[] folders = [.. names.Select(name => name.IndexOf('/', StringComparison.Ordinal) is > 0 and int end ? name[..end] : null)];
        string[] classes = folders.Contains(null) ? [] : [.. folders.Select(folder => folder!).Distinct().Order(StringComparer.Ordinal)];
        return new ImageFolder(root, classes, [.. names.Select((name, i) => new ImageSample(System.IO.Path.Combine(root, name), classes.Length == 0 ? -1 : Array.BinarySearch(classes, folders[i], StringComparer.Ordinal)))]);
    }

    /// <summary>Given files, in their order and without classes; the folder is what they have in common. They need not be there.</summary>
    /// <param name="files">At least one.</param>
    public static ImageFolder Of(IReadOnlyCollection<string> files)
    {
        if (files.Count == 0)
            throw new ArgumentException("There are no files.", nameof(files));
        string[] full = [.. files.Select(file => System.IO.Path.GetFullPath(file))];
        string? root = System.IO.Path.GetDirectoryName(full[0]);
        while (root is not null && !full.All(file => IsBelow(root, file)))
            root = System.IO.Path.GetDirectoryName(root);
        return new ImageFolder(root ?? System.IO.Path.GetPathRoot(full[0])!, [], [.. full.Select(file => new ImageSample(file, -1))]);

        static bool IsBelow(string folder, string file) => file.StartsWith(System.IO.Path.EndsInDirectorySeparator(folder) ? folder : folder + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static bool IsVisible(string name) => !name.StartsWith('.');

    private static string RequireFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string root = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException(File.Exists(root) ? $"'{path}' is a file. Name the folder that holds the pictures." : $"There is no folder '{path}' (looked for {root}).");
        return root;
    }

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
