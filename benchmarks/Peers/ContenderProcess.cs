using System.Diagnostics;
using System.Globalization;

namespace Dino.Benchmarks.Peers;

/// <summary>Why a contender takes no part in its row.</summary>
/// <param name="status">For the table: "not set up" or "failed".</param>
/// <param name="reason">A sentence.</param>
internal sealed class ContenderException(string status, string reason) : Exception(reason)
{
    public string Status => status;
}

/// <summary>A contender that runs: starts, repeats its work on request, and is killed when disposed.</summary>
internal abstract class ContenderProcess(Contender contender) : IDisposable
{
    /// <summary>Exit status of a driver that lacks something to run.</summary>
    private const int NotSetUpStatus = 3;

    private const int MessageLines = 3;
    private readonly Queue<string> _messages = new();

    /// <summary>What is started.</summary>
    public Contender Contender => contender;

    /// <summary>What the contender says it is.</summary>
    public string Version { get; protected set; } = "";

    /// <summary>Numbers of its result.</summary>
    public IReadOnlyList<double> Check { get; protected set; } = [];

    /// <summary>Processes that are alive, for the account of who used the processor.</summary>
    public abstract IEnumerable<int> ProcessIds { get; }

    /// <summary>Largest resident memory so far in MiB, or null where the system does not say.</summary>
    public abstract double? PeakMemory { get; }

    /// <summary>Makes ready, warm-up included.</summary>
    /// <exception cref="ContenderException">It cannot run.</exception>
    public abstract Task StartAsync(CancellationToken cancellationToken);

    /// <summary>One repetition that does not count, then repetitions for about this long.</summary>
    /// <returns>Seconds of each repetition.</returns>
    /// <exception cref="ContenderException">It failed.</exception>
    public abstract Task<double[]> RunAsync(double seconds, CancellationToken cancellationToken);

    /// <summary>A contender in the way its kind asks for.</summary>
    public static ContenderProcess Of(Contender contender) => contender.Launched ? new LaunchedContender(contender) : new ServedContender(contender);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <exception cref="ContenderException">There is no such program.</exception>
    protected Process Launch()
    {
        ProcessStartInfo start = new(contender.Program, contender.Arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in contender.Environment)
        {
            if (value.Length > 0)
                start.Environment[name] = value;
            else
                start.Environment.Remove(name);
        }

        try
        {
            Process process = Process.Start(start)!;
            process.ErrorDataReceived += (_, line) => Remember(line.Data);
            process.BeginErrorReadLine();
            return process;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new ContenderException("not set up", $"there is no {contender.Program}");
        }
    }

    /// <summary>What to say of a process that ended before its time.</summary>
    protected ContenderException Ended(int status)
    {
        lock (_messages)
            return new(status == NotSetUpStatus ? "not set up" : "failed", _messages.Count > 0 ? string.Join(" / ", _messages) : $"it ended with status {status}");
    }

    protected static double? PeakMemoryOf(Process process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process.Id}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? null : double.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Ends a process when a token is cancelled: reading from a pipe cannot be interrupted, but it ends with its writer.</summary>
    protected static CancellationTokenRegistration EndOn(Process process, CancellationToken cancellationToken) => cancellationToken.UnsafeRegister(_ => End(process), null);

    protected static void Kill(Process? process)
    {
        if (process is null)
            return;
        End(process);
        process.Dispose();
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private void Remember(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (_messages)
        {
            _messages.Enqueue(line.Trim());
            if (_messages.Count > MessageLines)
                _messages.Dequeue();
        }
    }
}
