using System.Diagnostics;
using System.Globalization;
using Dino.Ssl.Training;
using Spectre.Console;

namespace Dino.Cli.Display;

/// <summary>Shows a run: one line that renews itself on a terminal, a line now and then where output is redirected.</summary>
internal sealed class TrainingDisplay : IProgress<TrainingProgress>, IDisposable
{
    /// <summary>Often enough to see it live, seldom enough not to cost anything.</summary>
    private static readonly TimeSpan LiveInterval = TimeSpan.FromMilliseconds(200), PlainInterval = TimeSpan.FromSeconds(10);

    private readonly IAnsiConsole _console;
    private readonly bool _live;
    private readonly Lock _lock = new();
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private int _width;
    private int _epoch = -1;

    private TrainingDisplay(IAnsiConsole console, bool live) => (_console, _live) = (console, live);

    /// <summary>The last step reported, if there was one.</summary>
    public TrainingProgress? Last { get; private set; }

    /// <param name="toError">Leaves the output stream to the result.</param>
    public static TrainingDisplay Create(bool toError)
    {
        bool redirected = toError ? Console.IsErrorRedirected : Console.IsOutputRedirected;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(toError ? Console.Error : Console.Out) });
        return new TrainingDisplay(console, !redirected && console.Profile.Capabilities.Ansi);
    }

    public void Report(TrainingProgress value)
    {
        lock (_lock)
        {
            Last = value;
            bool isNewEpoch = value.Epoch != _epoch, isLast = value.Step == value.Steps;
            if (!isNewEpoch && !isLast && _since.Elapsed < (_live ? LiveInterval : PlainInterval))
                return;
            _epoch = value.Epoch;
            _since.Restart();
            if (_live)
                Renew(Line(value));
            else
                _console.Profile.Out.Writer.WriteLine(Line(value));
        }
    }

    /// <summary>A line of its own.</summary>
    public void Say(string line)
    {
        lock (_lock)
        {
            if (_live)
                Renew("");
            _console.Profile.Out.Writer.WriteLine(line);
            if (_live && Last is { } last && last.Step < last.Steps)
                Renew(Line(last));
        }
    }

    /// <summary>Leaves the progress line.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_live && _width > 0)
                _console.Profile.Out.Writer.WriteLine();
            _width = 0;
        }
    }

    public void Dispose() => End();

    private void Renew(string line)
    {
        TextWriter writer = _console.Profile.Out.Writer;
        int columns = Math.Max(_console.Profile.Width - 1, 20);
        line = line.Length > columns ? line[..columns] : line;
        writer.Write($"\r{line.PadRight(Math.Min(_width, columns))}\r{line}");
        writer.Flush();
        _width = line.Length;
    }

    private string Line(TrainingProgress p)
    {
        StepReport r = p.Report;
        string bar = "";
        if (_live)
        {
            const int Cells = 16;
            int filled = (int)(Cells * p.Step / Math.Max(p.Steps, 1));
            bar = $"{new string('━', filled)}{new string('─', Cells - filled)} ";
        }

        string left = p.Remaining is { } time ? $"  {Span(time)} left" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{bar}epoch {p.Epoch + 1}/{p.Epochs}  step {p.Step}/{p.Steps}  loss {r.Loss:f4}  entropy {r.TeacherEntropy:f3}  KL {r.Divergence:f3}  lr {r.Settings.LearningRate:e2}  {p.ImagesPerSecond:f1} img/s{left}");
    }

    private static string Span(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");
}
