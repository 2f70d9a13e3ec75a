namespace Dino.Ssl.Training;

/// <summary>How fast a run is, and when it will end, from the durations of its steps.</summary>
/// <remarks>
/// The first step of a process compiles, allocates and waits for the first pictures: it takes many times as long as the others and says nothing about
/// them, so it counts only until there is a second.
/// </remarks>
internal sealed class StepSpeed
{
    /// <summary>Weight of the newest step: about the last twenty steps.</summary>
    private const double Smoothing = 0.05;

    /// <summary>Steps after the first that an estimate of the time left needs.</summary>
    private const int FewestSteps = 3;

    private int _steps;

    /// <summary>Smoothed; 0 before the first step.</summary>
    public double SecondsPerStep { get; private set; }

    public void Add(double seconds)
    {
        int afterFirst = _steps++;
        // A mean of all steps after the first, until there are more than the smoothing remembers.
        SecondsPerStep = afterFirst <= 1 ? seconds : SecondsPerStep + (Math.Max(Smoothing, 1.0 / afterFirst) * (seconds - SecondsPerStep));
    }

    /// <summary>Time for further steps, or null while there are too few to tell.</summary>
    public TimeSpan? TimeFor(long steps) => _steps > FewestSteps || steps == 0 ? TimeSpan.FromSeconds(steps * SecondsPerStep) : null;
}
