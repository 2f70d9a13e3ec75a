using Dino.Ssl.Data;

namespace Dino.Cli.Display;

/// <summary>Says which pictures were left out, and why.</summary>
internal static class LeftOut
{
    /// <summary>A line on the error stream for each.</summary>
    /// <param name="pictures">What could not be used.</param>
    /// <param name="given">Folders as the user named them.</param>
    public static void Say(IEnumerable<SkippedPicture> pictures, params ReadOnlySpan<string?> given)
    {
        foreach (SkippedPicture picture in pictures)
            Console.Error.WriteLine(Line(picture, given));
    }

    public static string Line(SkippedPicture picture, params ReadOnlySpan<string?> given) => $"left out {Wording.AsGiven(picture.Path, given)}: {Wording.WithoutCode(picture.Reason)}";
}
