using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Embedding;
using Dino.Ssl.Training;

namespace Dino.Cli.Commands;

/// <summary>Which features of a network.</summary>
internal sealed class FeatureOptions
{
    private const int DefaultBlocks = 4;
    private readonly Option<string> _feature = Options.Of("--feature", "cls, cls+mean (CLS token and mean of the patches), or blocks (CLS tokens of the last blocks, as the official linear evaluation takes them). A ResNet has one feature, cls.", "cls");
    private readonly Option<int?> _blocks = Options.Optional<int>("--blocks", $"How many of the last blocks, for --feature blocks ({DefaultBlocks}).");
    private readonly Option<bool> _raw = Options.Flag("--raw", "Do not L2-normalise.");

    public void AddTo(Command command)
    {
        command.Add(_feature);
        command.Add(_blocks);
        command.Add(_raw);
    }

    public FeatureExtractor Resolve(ParseResult parsed, LoadedModel model)
    {
        (FeatureKind kind, int? blocks) = (Kind(parsed), parsed.GetValue(_blocks));
        if (blocks is not null && kind != FeatureKind.LastBlocks)
            throw new ArgumentException("--blocks is for --feature blocks.");
        if (kind != FeatureKind.Cls && model.Backbone is not VisionTransformer)
            throw new ArgumentException($"--feature {parsed.GetValue(_feature)} is made of the tokens of a vision transformer; a ResNet has one feature. Use --feature cls.");
        return new FeatureExtractor(model, kind, !parsed.GetValue(_raw), blocks ?? DefaultBlocks);
    }

    private FeatureKind Kind(ParseResult parsed) => parsed.GetValue(_feature) switch
    {
        "cls" => FeatureKind.Cls,
        "cls+mean" => FeatureKind.ClsAndPatchMean,
        "blocks" => FeatureKind.LastBlocks,
        string other => throw new ArgumentException($"There is no feature '{other}'. Use --feature cls, cls+mean or blocks."),
        null => throw new ArgumentException("--feature needs a value."),
    };
}
