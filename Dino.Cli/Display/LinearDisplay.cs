using System.Globalization;
using Dino.Ssl.Probing;

namespace Dino.Cli.Display;

/// <summary>Shows the training of linear classifiers on the error stream: where it is, and a line for each epoch that was tested.</summary>
internal sealed class LinearDisplay : IProgress<LinearProbeProgress>, IDisposable
{
    private readonly StatusLine _status = new(toError: true);
    private double _peak;

    public void Report(LinearProbeProgress value)
    {
        _status.Show(() => Line(value), (double)value.Step / Math.Max(value.Steps, 1), always: false);
        if (value.Ended is { Scores: { } scores } epoch)
            _status.Say(Line(value, epoch, scores));
    }

    /// <summary>A line of its own.</summary>
    public void Say(string line) => _status.Say(line);

    public void Dispose() => _status.End(erase: true);

    private static string Line(LinearProbeProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"epoch {p.Epoch + 1}/{p.Epochs}  step {p.Step}/{p.Steps}  loss {p.Loss:f4}  lr {p.LearningRate:0.00e+0}  {p.ImagesPerSecond:f1} img/s{Left(p)}");

    private string Line(LinearProbeProgress p, LinearEpoch epoch, IReadOnlyList<LinearScore> scores)
    {
        int best = Enumerable.Range(0, scores.Count).MaxBy(head => scores[head].Top1);
        _peak = Math.Max(_peak, scores[best].Top1);
        return string.Create(CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch + 1}/{p.Epochs}  loss {epoch.Losses[best]:f4}  lr {p.LearningRate:0.00e+0}  top-1 {scores[best].Top1:f2} %  top-5 {scores[best].Top5:f2} %  peak {_peak:f2} %{Left(p)}");
    }

    private static string Left(LinearProbeProgress p) => p.Remaining is { } time && p.Step < p.Steps ? $"  {StatusLine.Text(time)} left" : "";
}
