namespace Dino.Ssl.Probing;

/// <summary>How well one classifier did on labelled pictures.</summary>
/// <param name="Top1">Percent of the pictures whose best class is right.</param>
/// <param name="Top5">Percent of the pictures whose class is among the best five (or all of them, if fewer).</param>
/// <param name="Loss">Mean cross-entropy over the pictures of known classes, in nats.</param>
public readonly record struct LinearScore(double Top1, double Top5, double Loss);
