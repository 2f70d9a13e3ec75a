namespace Dino.Benchmarks.Peers;

/// <summary>What a contender reached.</summary>
/// <param name="Name">Column.</param>
/// <param name="Status">"ok", "not set up", "failed" or "other result".</param>
/// <param name="Reason">Why not ok.</param>
/// <param name="Version">What it says it is.</param>
/// <param name="Value">In the row's unit, over all repetitions.</param>
/// <param name="RoundSeconds">Median seconds of each round.</param>
/// <param name="Repetitions">Timed ones.</param>
/// <param name="PeakMemory">MiB resident.</param>
internal sealed record ContenderResult(string Name, string Status, string? Reason, string Version, Summary? Value, IReadOnlyList<double> RoundSeconds, int Repetitions, double? PeakMemory)
{
    public bool Counts => Status == "ok";
}

/// <summary>What came out of a row.</summary>
/// <param name="Against">The fastest peer.</param>
/// <param name="Ratio">Our speed over its speed, round by round: above 1 we are faster.</param>
/// <param name="MemoryRatio">Our peak memory over its peak memory.</param>
/// <param name="OtherCores">Cores that other processes used meanwhile.</param>
internal sealed record RowResult(
    string Group, string Name, int Threads, string Unit, IReadOnlyList<ContenderResult> Contenders, string? Against, Summary? Ratio, double? MemoryRatio, double? OtherCores)
{
    public bool Disturbed => OtherCores > LoadMeter.Disturbing;
}
