using System.Diagnostics;
using System.Globalization;

namespace Dino.Cli.Display;

/// <summary>How far work on many things is, on the error stream: count, speed and time left. Work that takes no time shows nothing.</summary>
/// <param name="total">How many there are.</param>
/// <param name="what">What is counted, in the plural.</param>
internal sealed class PictureProgress(int total, string what = "pictures") : IProgress<int>, IDisposable
{
    /// <summary>Before this nobody waits, and a speed says little.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly StatusLine _status = new(toError: true);
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <param name="value">How many are done.</param>
    public void Report(int value)
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        if (elapsed > s_patience && value < total)
            _status.Show(() => Line(value, elapsed), (double)value / total, always: false);
    }

    /// <summary>A line of its own.</summary>
    public void Say(string line) => _status.Say(line);

    public void Dispose() => _status.End(erase: true);

    private string Line(int done, TimeSpan elapsed)
    {
        double speed = done / elapsed.TotalSeconds;
        string left = done > 0 ? $"  {StatusLine.Text(TimeSpan.FromSeconds((total - done) / speed))} left" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{done} of {total} {what}  {speed:f1}/s{left}");
    }
}
