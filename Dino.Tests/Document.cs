using System.Text.RegularExpressions;

namespace Dino.Tests;

/// <summary>The documents that are tested, and the code in them.</summary>
internal static partial class Document
{
    /// <summary>The text of an embedded document, with line feeds.</summary>
    public static string Text(string name)
    {
        using StreamReader reader = new(typeof(Document).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException($"{name} is no embedded resource of the tests."));
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>The blocks of C# in a document.</summary>
    public static string[] CodeBlocks(string name) => [.. CodeBlock().Matches(Text(name)).Select(match => match.Groups["code"].Value)];

    /// <summary>The regions of a source file, without the indentation of a class member.</summary>
    public static (string Name, string Code)[] Regions(string name) =>
        [.. Region().Matches(Text(name)).Select(match => (match.Groups["name"].Value, MemberIndent().Replace(match.Groups["code"].Value, "")))];

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(" *#region (?<name>[^\n]*)\n(?<code>.*?) *#endregion", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex("^    ", RegexOptions.Multiline)]
    private static partial Regex MemberIndent();
}
