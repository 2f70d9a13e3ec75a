using System.Globalization;
using Dino.Nn;

namespace Dino.Cli.Commands;

/// <summary>A network in the words of the options that make it.</summary>
/// <param name="Arch">The architecture's name; null if it has none.</param>
internal sealed record NetworkOutput(string? Arch, int EmbedDim, int Depth, int Heads, int PatchSize)
{
    private static readonly string[] Names = ["vit_tiny", "vit_small", "vit_base"];

    public static NetworkOutput Of(VisionTransformerOptions network) => new(
        Names.FirstOrDefault(name => VisionTransformerOptions.ByName(name) is var known && (known.Width, known.Depth, known.Heads, known.MlpRatio) == (network.Width, network.Depth, network.Heads, network.MlpRatio)),
        network.Width, network.Depth, network.Heads, network.PatchSize);

    /// <summary>As a part of a sentence: <c>vit_small (384 wide, 12 blocks, 6 heads), patch 16</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Arch ?? "ViT"} ({EmbedDim} wide, {Depth} blocks, {Heads} heads), patch {PatchSize}");
}
