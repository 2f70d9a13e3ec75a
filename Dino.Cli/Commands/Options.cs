using System.CommandLine;
using Dino.Ssl.Training;

namespace Dino.Cli.Commands;

/// <summary>Makes options with a description and a default.</summary>
internal static class Options
{
    public static Option<T> Of<T>(string name, string description, T value) => new(name) { Description = description, DefaultValueFactory = _ => value };

    public static Option<T?> Optional<T>(string name, string description)
        where T : struct => new(name) { Description = description };

    public static Option<string?> OptionalText(string name, string description) => new(name) { Description = description };

    public static Option<string> Required(string name, string description) => new(name) { Description = description, Required = true };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    /// <summary>Refuses a size that is not 1 to 8192 pixels, in the words of the command line.</summary>
    public static int RequireSide(int side, string option) => side is >= 1 and <= 8192 ? side : throw new ArgumentException($"{option} must be 1 to 8192 pixels, not {side}.");

    /// <summary>The short side of pictures whose patches are looked at: as given, or a size that shows enough of them.</summary>
    public static int RequirePatches(int? side, LoadedModel model)
    {
        int size = RequireSide(side ?? Math.Min(480, 2 * model.Backbone.Options.ImageSize), "--image-size");
        RequireWholePatches(size, "--image-size", model.Backbone.Options.PatchSize, isGiven: side is not null);
        return size;
    }

    /// <summary>Refuses a side that holds no patch, and says how much is seen of one that ends within a patch.</summary>
    /// <param name="isGiven">Whether the side was chosen: nobody needs to hear of one that was not.</param>
    public static void RequireWholePatches(int side, string option, int patch, bool isGiven)
    {
        if (side < patch)
            throw new ArgumentException($"{option} {side} is smaller than one patch of {patch} pixels.");
        int seen = side / patch * patch;
        if (seen < side && isGiven)
            Console.Error.WriteLine($"{option} {side} is no multiple of the {patch} pixels of a patch: {seen} of them are seen. Use {seen} or {seen + patch} for whole patches.");
    }

    /// <summary>Refuses a path without a file, in the words of the command line.</summary>
    /// <param name="mend">What to give instead, as a sentence.</param>
    public static string RequireFile(string path, string option, string mend) => File.Exists(path) ? path : throw new FileNotFoundException(Directory.Exists(path)
        ? $"{option}: '{path}' is a folder. {mend}"
        : $"{option}: there is no file '{path}' (looked for {Path.GetFullPath(path)}). {mend}", path);

    /// <summary>Refuses an output file of a kind that is not written, before any work is done for it.</summary>
    public static string RequireOutput(string path, params ReadOnlySpan<string> endings) => RequireEnding(path, "--output", endings);

    /// <summary>The same of another option that names a file to write.</summary>
    public static string RequireEnding(string path, string option, params ReadOnlySpan<string> endings)
    {
        string ending = Path.GetExtension(path);
        if (!endings.Contains(ending))
            throw new ArgumentException($"{option} must end in {string.Join(" or ", endings.ToArray())}, not '{ending}'.");
        return Directory.Exists(path) ? throw new ArgumentException($"{option} '{path}' is a folder. Name a file.") : path;
    }

    /// <summary>Makes the folder of an output file if there is none, and says so: it may be a slip of the pen.</summary>
    /// <remarks>Comes when the input is known to be there, so that a wrong call leaves no folder behind, and before the work whose result needs it.</remarks>
    public static void MakeFolder(string path)
    {
        string folder = Path.GetDirectoryName(path) is { Length: > 0 } named ? named : ".";
        if (Directory.Exists(folder))
            return;
        Directory.CreateDirectory(folder);
        // The output stream belongs to the result.
        Console.Error.WriteLine($"made the folder {folder}");
    }

    public static Option<bool> Json() => Flag("--json", "Print the result as one JSON object.");
}
