using System.Globalization;
using Dino.Nn;

namespace Dino.Cli;

/// <summary>In what ResNets differ.</summary>
/// <param name="Depths">Units in each of the four stages.</param>
/// <param name="Bottleneck">Whether a unit has three convolutions, with four times as many channels at its ends.</param>
/// <param name="Stem">Channels of the first convolution.</param>
internal sealed record ResNetOutput(int[] Depths, bool Bottleneck, int Stem)
{
    public static ResNetOutput Of(ResNetOptions network) => new([network.Depths.First, network.Depths.Second, network.Depths.Third, network.Depths.Fourth], network.Bottleneck, network.Stem);

    /// <summary>As a sentence: <c>3, 4, 6 and 3 units of three convolutions (bottlenecks), 64 channels after the first convolution</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{string.Join(", ", Depths[..^1])} and {Depths[^1]} units of {(Bottleneck ? "three convolutions (bottlenecks)" : "two convolutions")}, {Stem} channels after the first convolution");
}
