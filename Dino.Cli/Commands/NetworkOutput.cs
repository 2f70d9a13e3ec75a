using System.Globalization;
using Dino.Nn;

namespace Dino.Cli.Commands;

/// <summary>A network in the words of the options that make it.</summary>
/// <param name="Kind"><c>vit</c> or <c>resnet</c>.</param>
/// <param name="Arch">The architecture's name; null if it has none.</param>
/// <param name="Depth">Blocks of a vision transformer.</param>
/// <param name="Heads">Attention heads of a vision transformer.</param>
internal sealed record NetworkOutput(string Kind, string? Arch, int EmbedDim, int? Depth, int? Heads, int PatchSize)
{
    public static NetworkOutput Of(BackboneOptions network) => network is VisionTransformerOptions transformer
        ? new("vit", NameOf(network, VisionTransformerOptions.Names), network.Width, transformer.Depth, transformer.Heads, network.PatchSize)
        : new("resnet", NameOf(network, ResNetOptions.Names), network.Width, null, null, network.PatchSize);

    /// <summary>As a part of a sentence: <c>vit_small (384 wide, 12 blocks, 6 heads), patch 16</c>.</summary>
    public override string ToString() => Kind == "vit"
        ? string.Create(CultureInfo.InvariantCulture, $"{Arch ?? "ViT"} ({EmbedDim} wide, {Wording.Count(Depth!.Value, "block")}, {Wording.Count(Heads!.Value, "head")}), patch {PatchSize}")
        : string.Create(CultureInfo.InvariantCulture, $"{Arch ?? "ResNet"} ({EmbedDim} wide)");

    /// <summary>The name of a network that differs in nothing but the pictures it is made for.</summary>
    private static string? NameOf(BackboneOptions network, IEnumerable<string> names) => names.FirstOrDefault(name =>
        BackboneOptions.ByName(name) is var known
        && known == network.WithoutDropPath() with { ImageSize = known.ImageSize, PatchSize = known.PatchSize, Channels = known.Channels, Classes = known.Classes });
}
