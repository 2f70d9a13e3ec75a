using System.Globalization;
using Dino.Ssl.Training;

namespace Dino.Cli.Display;

/// <summary>Shows a training run.</summary>
/// <param name="toError">Leaves the output stream to the result.</param>
internal sealed class TrainingDisplay(bool toError) : IProgress<TrainingProgress>, IDisposable
{
    private readonly StatusLine _status = new(toError);

    /// <summary>The last step reported, if there was one.</summary>
    public TrainingProgress? Last { get; private set; }

    public void Report(TrainingProgress value)
    {
        bool isNewEpoch = value.Epoch != Last?.Epoch, isLast = value.Step == value.Steps;
        Last = value;
        _status.Show(() => Line(value), (double)value.Step / Math.Max(value.Steps, 1), always: isNewEpoch || isLast);
    }

    /// <summary>A line of its own.</summary>
    public void Say(string line) => _status.Say(line);

    /// <summary>Leaves the progress line.</summary>
    public void End() => _status.End();

    public void Dispose() => End();

    private static string Line(TrainingProgress p)
    {
        StepReport r = p.Report;
        string left = p.Remaining is { } time ? $"  {StatusLine.Text(time)} left" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"epoch {p.Epoch + 1}/{p.Epochs}  step {p.Step}/{p.Steps}  loss {r.Loss:f4}  entropy {r.TeacherEntropy:f3}  KL {r.Divergence:f3}  lr {r.Settings.LearningRate:0.00e+0}  {p.ImagesPerSecond:f1} img/s{left}");
    }
}
