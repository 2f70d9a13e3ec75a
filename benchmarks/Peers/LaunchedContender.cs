using System.Diagnostics;

namespace Dino.Benchmarks.Peers;

/// <summary>A program that is started anew for every repetition and timed from start to end.</summary>
internal sealed class LaunchedContender(Contender contender) : ContenderProcess(contender)
{
    /// <summary>Starts differ more from one another than repetitions of warm work.</summary>
    private const int LeastSamples = 3;

    private Process? _process;
    private double? _peak;

    public override IEnumerable<int> ProcessIds => _process is { HasExited: false } ? [_process.Id] : [];

    public override double? PeakMemory => _peak;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // The first start reads the files from disk and does not count, so it can be watched for its memory.
        Task<double> run = LaunchAsync(cancellationToken);
        while (!run.IsCompleted)
        {
            if (_process is { HasExited: false } process)
                _peak = PeakMemoryOf(process) ?? _peak;
            await Task.WhenAny(run, Task.Delay(2, CancellationToken.None));
        }

        await run;
    }

    public override async Task<double[]> RunAsync(double seconds, CancellationToken cancellationToken)
    {
        List<double> samples = [];
        long begin = Stopwatch.GetTimestamp();
        while (samples.Count < LeastSamples || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
            samples.Add(await LaunchAsync(cancellationToken));
        return [.. samples];
    }

    protected override void Dispose(bool disposing)
    {
        Kill(_process);
        _process = null;
    }

    private async Task<double> LaunchAsync(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        Process process = _process = Launch();
        using CancellationTokenRegistration end = EndOn(process, cancellationToken);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await output;
        cancellationToken.ThrowIfCancellationRequested();
        int status = process.ExitCode;
        _process = null;
        process.Dispose();
        return status == 0 ? seconds : throw Ended(status);
    }
}
