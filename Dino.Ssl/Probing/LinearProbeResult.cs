using Dino.Ssl.Data;

namespace Dino.Ssl.Probing;

/// <summary>How a linear probe ended.</summary>
/// <param name="Step">Steps done in all.</param>
/// <param name="Completed">False when it was cancelled; <see cref="LinearProbeRun.SaveState"/> keeps what there is.</param>
/// <param name="Heads">What was trained.</param>
/// <param name="Epochs">Every epoch that was finished.</param>
/// <param name="Skipped">Pictures that could not be used, of both folders.</param>
public sealed record LinearProbeResult(long Step, bool Completed, IReadOnlyList<LinearHead> Heads, IReadOnlyList<LinearEpoch> Epochs, IReadOnlyCollection<SkippedPicture> Skipped)
{
    /// <summary>The head that was best at the last look at the test pictures, by top-1 accuracy, the first of equals; null before the first look.</summary>
    public int? Best => Last is { } last ? Enumerable.Range(0, Heads.Count).MaxBy(head => last[head].Top1) : null;

    /// <summary>Score of each head at the last look at the test pictures; null before the first.</summary>
    public IReadOnlyList<LinearScore>? Last => Epochs.LastOrDefault(epoch => epoch.Scores is not null)?.Scores;

    /// <summary>The epoch in which a head had its highest top-1 accuracy, which is what the official code reports: the first of equals.</summary>
    /// <param name="head">Index into <see cref="Heads"/>.</param>
    /// <exception cref="InvalidOperationException">There was no look at the test pictures yet.</exception>
    public LinearEpoch PeakOf(int head) => Epochs.Where(epoch => epoch.Scores is not null).MaxBy(epoch => epoch.Scores![head].Top1)
        ?? throw new InvalidOperationException("No epoch has been tested yet.");
}
