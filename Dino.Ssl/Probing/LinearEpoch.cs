namespace Dino.Ssl.Probing;

/// <summary>What an epoch of a linear probe came to.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Rate">Learning rate of its last step, as a factor of the heads' own: schedule times batch / 256.</param>
/// <param name="Losses">Mean training loss of each head, in nats.</param>
/// <param name="Scores">Each head on the test pictures; null in an epoch without a look at them.</param>
public sealed record LinearEpoch(int Epoch, double Rate, IReadOnlyList<double> Losses, IReadOnlyList<LinearScore>? Scores);
