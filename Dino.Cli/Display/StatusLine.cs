using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Dino.Cli.Display;

/// <summary>One line that renews itself on a terminal; a line now and then where output is redirected.</summary>
internal sealed class StatusLine
{
    private const int Cells = 16;

    /// <summary>Often enough to see it live, seldom enough not to cost anything.</summary>
    private static readonly TimeSpan s_liveInterval = TimeSpan.FromMilliseconds(200), s_plainInterval = TimeSpan.FromSeconds(10);

    private readonly IAnsiConsole _console;
    private readonly bool _live;
    private readonly Lock _lock = new();
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private string _line = "";

    /// <param name="toError">Leaves the output stream to the result.</param>
    public StatusLine(bool toError)
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(toError ? Console.Error : Console.Out) });
        _live = !(toError ? Console.IsErrorRedirected : Console.IsOutputRedirected) && _console.Profile.Capabilities.Ansi;
    }

    private TextWriter Writer => _console.Profile.Out.Writer;

    /// <summary>Shows the state, unless it was shown a moment ago.</summary>
    /// <param name="line">Makes the line; asked only if it is shown.</param>
    /// <param name="done">Share of the work that is done, for a bar on a terminal.</param>
    /// <param name="always">Whether the state is worth a line at any time.</param>
    public void Show(Func<string> line, double done, bool always)
    {
        lock (_lock)
        {
            if (!always && _since.Elapsed < (_live ? s_liveInterval : s_plainInterval))
                return;
            _since.Restart();
            if (_live)
            {
                int filled = (int)(Cells * Math.Clamp(done, 0, 1));
                Renew($"{new string('━', filled)}{new string('─', Cells - filled)} {line()}");
            }
            else
            {
                Writer.WriteLine(line());
            }
        }
    }

    /// <summary>A line of its own.</summary>
    public void Say(string line)
    {
        lock (_lock)
        {
            string shown = _line;
            if (_live)
                Renew("");
            Writer.WriteLine(line);
            if (_live)
                Renew(shown);
        }
    }

    /// <summary>Leaves the line.</summary>
    /// <param name="erase">Whether nothing of it stays.</param>
    public void End(bool erase = false)
    {
        lock (_lock)
        {
            if (_line.Length > 0 && erase)
                Renew("");
            else if (_line.Length > 0)
                Writer.WriteLine();
            _line = "";
        }
    }

    /// <summary>Hours, minutes and seconds as short as they go.</summary>
    public static string Text(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    private void Renew(string line)
    {
        int columns = Math.Max(_console.Profile.Width - 1, 20);
        line = line.Length > columns ? line[..columns] : line;
        Writer.Write($"\r{line.PadRight(Math.Min(_line.Length, columns))}\r{line}");
        Writer.Flush();
        _line = line;
    }
}
