namespace Dino.Ssl.Probing;

/// <summary>Where a linear probe stands, after each step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Epoch">Epoch of this step, from 0.</param>
/// <param name="Epochs">Epochs of the whole run.</param>
/// <param name="Loss">Loss of the step; of several heads the lowest.</param>
/// <param name="LearningRate">As used; of several heads the highest.</param>
/// <param name="ImagesPerSecond">Pictures a second, averaged over the last steps.</param>
/// <param name="Remaining">Estimated time left; null for the first few steps, which tell too little.</param>
/// <param name="Ended">The epoch, after its last step.</param>
public readonly record struct LinearProbeProgress(
    long Step, long Steps, int Epoch, int Epochs, double Loss, double LearningRate, double ImagesPerSecond, TimeSpan? Remaining, LinearEpoch? Ended);
