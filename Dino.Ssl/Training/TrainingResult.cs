using Dino.Ssl.Data;

namespace Dino.Ssl.Training;

/// <summary>How a run ended.</summary>
/// <param name="Step">Steps done in all.</param>
/// <param name="Completed">False when it was cancelled; the checkpoint holds the state.</param>
/// <param name="Skipped">Pictures that could not be used.</param>
public sealed record TrainingResult(long Step, bool Completed, IReadOnlyCollection<SkippedPicture> Skipped);
