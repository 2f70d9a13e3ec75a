using System.Text.Json.Serialization;

namespace Dino.Nn;

/// <summary>Rotary positions: queries and keys of a patch are turned by angles in proportion to its row and to its column.</summary>
/// <remarks>
/// A quarter of a head's elements pairs up to turn with the row, a quarter with the column. Periods are lengths in units of the coordinates, which
/// run from -1 to 1 over the picture. The network holds them as <c>rope_embed.periods</c>: those of a weight file win.
/// </remarks>
public sealed record RotaryOptions
{
    /// <summary>Period j of n is base^(j / n), unless shortest and longest period are given.</summary>
    public double Base { get; init; } = 100;

    /// <summary>Shortest period, with <see cref="MaxPeriod"/> and in place of <see cref="Base"/>; 0 for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double MinPeriod { get; init; }

    /// <summary>Longest period; those between are spaced evenly on a logarithmic scale.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double MaxPeriod { get; init; }

    /// <summary>What rows and columns are divided by.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public RotaryCoordinates Coordinates { get; init; }

    /// <summary>Computes angles and turns in BF16 steps, the default of the official constructor; released networks use F32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool BFloat16 { get; init; }
}
