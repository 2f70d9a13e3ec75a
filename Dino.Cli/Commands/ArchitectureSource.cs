namespace Dino.Cli.Commands;

/// <summary>What tells the architecture when the user does not.</summary>
internal enum ArchitectureSource
{
    OptionsAlone,
    WeightsIfGiven,
    Weights,
}
