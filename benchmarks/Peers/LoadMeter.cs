using System.Globalization;

namespace Dino.Benchmarks.Peers;

/// <summary>How busy the machine was with other things: all processor time less that of the runner and its contenders, from /proc.</summary>
internal sealed class LoadMeter
{
    /// <summary>Fraction of a core above which a row is marked.</summary>
    public const double Disturbing = 0.15;

    /// <summary>Clock ticks of /proc in a second; the kernel's interface has fixed it.</summary>
    private const double Ticks = 100;

    private readonly Snapshot _start;
    private readonly long _time = System.Diagnostics.Stopwatch.GetTimestamp();

    public LoadMeter(IEnumerable<int> children) => _start = Snapshot.Take(children);

    /// <summary>Cores that other processes used since the start, the time that the host took away included; null where the system does not say.</summary>
    public double? OtherCores(IEnumerable<int> children)
    {
        Snapshot end = Snapshot.Take(children);
        double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(_time).TotalSeconds;
        return end.Busy is null || _start.Busy is null ? null : Math.Max(0, (end.Busy.Value - end.Own - _start.Busy.Value + _start.Own) / Ticks / seconds);
    }

    private readonly record struct Snapshot(double? Busy, double Own)
    {
        public static Snapshot Take(IEnumerable<int> children)
        {
            if (!File.Exists("/proc/stat"))
                return new(null, 0);
            // user nice system idle iowait irq softirq steal
            double[] all = [.. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(Number)];
            // Children that have ended are in the runner's account of ended children.
            double own = TimesOf(Environment.ProcessId, 4) + children.Sum(child => TimesOf(child, 2));
            return new(all[0] + all[1] + all[2] + all[5] + all[6] + all[7], own);
        }

        /// <summary>utime, stime and, if wanted, those of ended children: fields 14 to 17, counted behind the program's name.</summary>
        private static double TimesOf(int process, int fields)
        {
            try
            {
                string text = File.ReadAllText($"/proc/{process}/stat");
                return text[(text.LastIndexOf(')') + 2)..].Split(' ').Skip(11).Take(fields).Sum(Number);
            }
            catch (IOException)
            {
                return 0;
            }
        }

        private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}
