namespace Dino.Ssl.Training;

/// <summary>Where a run stands, after each step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Epoch">Epoch of this step, from 0.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Report">Loss and settings of the step.</param>
/// <param name="ImagesPerSecond">Pictures per second, averaged over the last steps; the first step of a process counts only until there is a second.</param>
/// <param name="Remaining">Estimated time left; null for the first few steps, which tell too little.</param>
public readonly record struct TrainingProgress(long Step, long Steps, int Epoch, int Epochs, StepReport Report, double ImagesPerSecond, TimeSpan? Remaining);
