using System.CommandLine;
using Dino.Nn;

namespace Dino.Cli.Commands;

/// <summary>Which network.</summary>
/// <param name="source">What tells it when the user does not, for the help.</param>
internal sealed class ArchitectureOptions(ArchitectureSource source = ArchitectureSource.OptionsAlone)
{
    private readonly Option<string?> _arch = Options.OptionalText("--arch", $"One of {Names(source)}{Otherwise(source, "vit_small")}");
    private readonly Option<int?> _patch = Options.Optional<int>("--patch-size", $"Side of a patch in pixels{Otherwise(source, "16")}");
    private readonly Option<int?> _width = Options.Optional<int>("--embed-dim", $"Token width{Otherwise(source, null)}");
    private readonly Option<int?> _depth = Options.Optional<int>("--depth", $"Number of blocks{Otherwise(source, null)}");
    private readonly Option<int?> _heads = Options.Optional<int>("--heads", $"Attention heads{Otherwise(source, null)}");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _arch, _patch, _width, _depth, _heads })
            command.Add(option);
    }

    /// <summary>The network the user describes.</summary>
    /// <param name="imageSize">Side of the pictures it is made for.</param>
    /// <exception cref="ArgumentException">There is no such architecture, or a ResNet is to have parts of a transformer.</exception>
    public BackboneOptions Resolve(ParseResult parsed, int imageSize)
    {
        BackboneOptions named = BackboneOptions.ByName(parsed.GetValue(_arch) ?? "vit_small");
        if (named is VisionTransformerOptions transformer)
            return Amend(parsed, transformer) with { ImageSize = imageSize };
        if (Array.Find([_patch, _width, _depth, _heads], option => parsed.GetValue(option) is not null) is { } other)
            throw new ArgumentException($"{other.Name} is for vision transformers; --arch {parsed.GetValue(_arch)} is a ResNet.");
        return named with { ImageSize = imageSize };
    }

    /// <summary>A network with what the user says in place of what was found.</summary>
    /// <exception cref="ArgumentException">There is no such architecture, or it is that of a ResNet.</exception>
    public VisionTransformerOptions Amend(ParseResult parsed, VisionTransformerOptions found)
    {
        VisionTransformerOptions? named = parsed.GetValue(_arch) is not { } arch ? null
            : BackboneOptions.ByName(arch) as VisionTransformerOptions ?? throw new ArgumentException($"--arch {arch} is a ResNet, the weights are those of a vision transformer.");
        return found with
        {
            PatchSize = parsed.GetValue(_patch) ?? found.PatchSize,
            Width = parsed.GetValue(_width) ?? named?.Width ?? found.Width,
            Depth = parsed.GetValue(_depth) ?? named?.Depth ?? found.Depth,
            Heads = parsed.GetValue(_heads) ?? named?.Heads ?? found.Heads,
        };
    }

    /// <summary>Weights tell everything about a ResNet.</summary>
    private static string Names(ArchitectureSource source) =>
        string.Join(", ", source == ArchitectureSource.Weights ? VisionTransformerOptions.Names : [.. VisionTransformerOptions.Names, .. ResNetOptions.Names]);

    /// <summary>What an option replaces and what holds without it, as the end of its description.</summary>
    private static string Otherwise(ArchitectureSource source, string? value) => source switch
    {
        ArchitectureSource.OptionsAlone => value is null ? ", in place of the architecture's." : $" ({value}).",
        ArchitectureSource.WeightsIfGiven => value is null ? ", in place of what the weights file or --arch tells." : $", in place of what the weights file tells; {value} without --weights.",
        _ => ", in place of what the weights file tells.",
    };
}
