using System.Globalization;
using System.Text.RegularExpressions;

namespace Dino.Cli;

/// <summary>Words of sentences.</summary>
internal static partial class Wording
{
    /// <summary>A number of things: <c>1 picture</c>, <c>2 pictures</c>.</summary>
    /// <param name="thing">One of them.</param>
    /// <param name="things">Several; null if an s makes the plural.</param>
    public static string Count(long number, string thing, string? things = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? thing : things ?? $"{thing}s")}");

    /// <summary>The path of a file in a folder, beginning as the user began it: relative where the folder was.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="given">Folders as they were given; those that do not hold the file do not matter.</param>
    public static string AsGiven(string path, params ReadOnlySpan<string?> given)
    {
        foreach (string? folder in given)
        {
            if (folder is null)
                continue;
            string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
            if (path.StartsWith(root, StringComparison.Ordinal))
                return Path.Combine(folder, path[root.Length..]);
        }

        return path;
    }

    /// <summary>A message of the libraries without what only programmers can use: names of their parameters and settings, and the value a second time.</summary>
    public static string WithoutCode(string message) => Code().Replace(message, "");

    [GeneratedRegex(@" \(Parameter '\w+'\)| \(DecodeLimits\.\w+\)|\r?\nActual value was [^\n]*$")]
    private static partial Regex Code();
}
