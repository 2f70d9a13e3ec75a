using System.Diagnostics;

namespace Dino.Cli;

/// <summary>How long something takes when warm, in milliseconds rounded to three digits.</summary>
internal readonly record struct BenchTiming(double Median, double Min, double Max, int Repeats)
{
    private const int WarmUps = 3;
    private const int FewestRepeats = 5;

    /// <summary>How often to run: as often as <c>--repeats</c> asks, five times at least, which it says.</summary>
    public static int RaiseRepeats(int asked)
    {
        if (asked < FewestRepeats)
            Console.Error.WriteLine($"--repeats {asked} is less than {FewestRepeats}: {FewestRepeats} runs are timed");
        return Math.Max(asked, FewestRepeats);
    }

    /// <summary>Runs a warm-up, then as often as <see cref="RaiseRepeats"/> says.</summary>
    public static BenchTiming Of(Action run, int repeats, CancellationToken cancellation)
    {
        for (int i = 0; i < WarmUps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            run();
        }

        double[] milliseconds = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            run();
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(milliseconds);
        return new BenchTiming(Round((milliseconds[(repeats - 1) / 2] + milliseconds[repeats / 2]) / 2), Round(milliseconds[0]), Round(milliseconds[^1]), repeats);
    }

    /// <summary>Things a second, if a run handles so many.</summary>
    public double PerSecond(int count) => Round(1000 * count / Median);

    /// <summary>Most memory that this process has had, in MB.</summary>
    public static double PeakMemory()
    {
        using Process self = Process.GetCurrentProcess();
        return Math.Round(self.PeakWorkingSet64 / 1048576.0, 1);
    }

    private static double Round(double value) => Math.Round(value, 3);
}
