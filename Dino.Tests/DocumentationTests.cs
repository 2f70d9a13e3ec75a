using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Dino.Cli.Commands;
using Dino.Imaging.Png;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Ssl.Embedding;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Ssl.Embedding;

namespace Dino.Tests;

/// <summary>What the documentation says is what the code does: examples compile and run, options exist with the stated defaults.</summary>
public sealed partial class DocumentationTests
{
    [Theory]
    [InlineData("README.md", "ReadmeExample.cs")]
    [InlineData("embedding.md", "EmbeddingExample.cs")]
    public void A_document_shows_the_code_that_is_compiled_here(string document, string examples)
    {
        string[] shown = [.. CodeBlock().Matches(Text(document)).Select(match => match.Groups["code"].Value)];
        string[] compiled = [.. Region().Matches(Text(examples)).Select(match => Dedent(match.Groups["code"].Value))];
        Assert.NotEmpty(compiled);
        Assert.Equal(compiled, shown);
    }

    [Fact]
    public void The_first_example_classifies_a_picture_and_draws_its_attention()
    {
        using TemporaryFolder folder = new();
        DrawnPictures.WriteTo(folder.Path("album"), 3, 1, seed: 5);
        string photo = Directory.GetFiles(folder.Path("album", "test"), "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        string weights = folder.Path("weights.safetensors"), attention = folder.Path("attention.png");
        using (DinoNetwork network = new(new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 24, Depth = 2, Heads = 2 }, new() { Prototypes = 16, Hidden = 16, Bottleneck = 8 }))
        {
            network.Store.Allocate(CpuDevice.Shared);
            ModelFile.Save(weights, network, new MultiCropOptions { GlobalSize = 32, LocalSize = 16 }, "teacher");
        }

        string name = ReadmeExample.Classify(weights, photo, folder.Path("album", "train"), attention);
        Assert.Contains(name, DrawnPictures.ClassNames);
        Assert.True(File.Exists(attention));
    }

    [Fact]
    public async Task The_examples_of_embeddings_find_a_picture_again()
    {
        using TinyModels models = new();
        using FileStream upload = File.OpenRead(models.Paths[5]);
        Assert.Equal(models.Paths[5], await EmbeddingExample.MostSimilar(models.Transformer, models.Paths, upload, CancellationToken.None));
        using ImageEmbedder embedder = ImageEmbedder.Load(models.Transformer);
        // The content decides, whatever the media type says.
        Assert.Equal(embedder.Embed(models.Paths[5]), (await EmbeddingExample.Generate(embedder, File.ReadAllBytes(models.Paths[5]))).ToArray());
    }

    [Fact]
    public void The_second_example_learns()
    {
        float[] inputs = [.. Enumerable.Range(0, 64 * 16).Select(i => MathF.Sin(i))], targets = [.. inputs.Select(x => x * x)];
        // The mean of sin⁴ is 3/8: what an output of zeros costs.
        Assert.InRange(ReadmeExample.Fit(CpuDevice.Shared, inputs, targets), 0, 0.1f);
    }

    [Fact]
    public void Options_of_training_are_documented_with_their_defaults()
    {
        Dictionary<string, string> rows = OptionRow().Matches(Text("training.md")).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value, StringComparer.Ordinal);
        Option[] options = [.. TrainCommand.Create().Options.Where(option => !option.Name.Contains("help", StringComparison.Ordinal))];
        Assert.Equal(options.Select(option => option.Name).Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        foreach (Option option in options)
            Assert.True(Means(rows[option.Name], option), $"training.md gives {option.Name} the default '{rows[option.Name]}'.");
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("training.md")]
    [InlineData("embedding.md")]
    [InlineData("pictures.md")]
    [InlineData("retrieval.md")]
    public void Every_option_that_is_mentioned_exists(string document)
    {
        Command[] commands = [TrainCommand.Create(), KnnCommand.Create(), AttentionCommand.Create(), PcaCommand.Create(), TsneCommand.Create(), UmapCommand.Create(), MatchCommand.Create(), EmbedCommand.Create(), IndexCommand.Create(), SearchCommand.Create(), DedupCommand.Create(), ClusterCommand.Create(), InfoCommand.Create(), ConvertCommand.Create(), DevicesCommand.Create(), DemoCommand.Create(), .. BenchCommand.Create().Subcommands];
        HashSet<string> known = [.. commands.SelectMany(command => command.Options).Select(option => option.Name), "--help", "--project", "--self-contained"];
        Assert.All(LongOption().Matches(Text(document)), mention => Assert.Contains(mention.Value, known));
    }

    /// <summary>Its meaning stands below the table, so a row that does not mention it hides it.</summary>
    [Fact]
    public void The_readme_mentions_the_precision_of_every_command_that_has_it()
    {
        string[] rows = [.. Text("README.md").Split('\n').Where(line => line.StartsWith("| `dino ", StringComparison.Ordinal))];
        Command[] commands = [KnnCommand.Create(), AttentionCommand.Create(), PcaCommand.Create(), TsneCommand.Create(), UmapCommand.Create(), MatchCommand.Create(), EmbedCommand.Create(), IndexCommand.Create(), SearchCommand.Create(), DedupCommand.Create(), ClusterCommand.Create(), .. BenchCommand.Create().Subcommands.Where(command => command.Name == "forward")];
        foreach (Command command in commands.Where(command => command.Options.Any(option => option.Name == "--precision")))
            Assert.Contains(rows, row => row.Contains(command.Name == "forward" ? "`dino bench forward`" : $"`dino {command.Name} ", StringComparison.Ordinal) && row.Contains("`--precision`", StringComparison.Ordinal));
    }

    /// <summary>Whoever follows the README keeps a clean checkout; at the root only, so that no source is hidden.</summary>
    [Fact]
    public void What_the_commands_of_the_readme_write_is_ignored_at_the_root()
    {
        string[] ignored = Text(".gitignore").Split('\n'), written = [.. CommandOutput().Matches(Text("README.md")).Select(match => match.Groups["path"].Value)];
        Assert.Contains("out", written);
        // The demonstration writes there without being told.
        Assert.All([.. written, "demo"], path => Assert.Contains(Path.HasExtension(path) ? $"/{path}" : $"/{path}/", ignored));
    }

    private static bool Means(string text, Option option) => (option.Required, option.HasDefaultValue ? option.GetDefaultValue() : null) switch
    {
        (true, _) => text == "required",
        (_, null) => text is "off" or "of the architecture" or "vit_small" or "16",
        (_, bool value) => value ? text == "true" : text is "off" or "false",
        (_, double[] pair) => text == string.Create(CultureInfo.InvariantCulture, $"{pair[0]} {pair[1]}"),
        (_, string value) => text == value,
        (_, IConvertible value) => (float)double.Parse(text, CultureInfo.InvariantCulture) == value.ToSingle(CultureInfo.InvariantCulture),
        _ => false,
    };

    private static string Text(string name)
    {
        using StreamReader reader = new(typeof(DocumentationTests).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>Without the indentation of a class member.</summary>
    private static string Dedent(string code) => MemberIndent().Replace(code, "");

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(" *#region [^\n]*\n(?<code>.*?) *#endregion", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex("^    ", RegexOptions.Multiline)]
    private static partial Regex MemberIndent();

    [GeneratedRegex("^\\| `(?<name>--[a-z-]+)` \\| (?<value>[^|]*?) \\|[^|]*\\|$", RegexOptions.Multiline)]
    private static partial Regex OptionRow();

    /// <summary>A path in a block of commands; what a user names is written in capitals.</summary>
    [GeneratedRegex("^(?:dino|dotnet) .*(?:--output|-o) (?<path>[a-z.]+)", RegexOptions.Multiline)]
    private static partial Regex CommandOutput();

    [GeneratedRegex("(?<![\\w-])--[a-z][a-z-]+")]
    private static partial Regex LongOption();
}
