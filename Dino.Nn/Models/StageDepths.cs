namespace Dino.Nn;

/// <summary>Units in each stage of a ResNet.</summary>
/// <param name="First">At a quarter of the picture's resolution.</param>
/// <param name="Second">At an eighth.</param>
/// <param name="Third">At a sixteenth.</param>
/// <param name="Fourth">At a thirty-second.</param>
public readonly record struct StageDepths(int First, int Second, int Third, int Fourth)
{
    /// <summary>Units of a stage, from 0.</summary>
    public int this[int stage] => stage switch
    {
        0 => First,
        1 => Second,
        2 => Third,
        3 => Fourth,
        _ => throw new ArgumentOutOfRangeException(nameof(stage), stage, "There are four stages."),
    };

    /// <inheritdoc/>
    public override string ToString() => $"{First}, {Second}, {Third}, {Fourth}";
}
