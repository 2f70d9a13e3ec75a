using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Dino.Benchmarks.Peers;

/// <summary>A process that stays alive and repeats its work for each line <c>run SECONDS</c>.</summary>
internal sealed class ServedContender(Contender contender) : ContenderProcess(contender)
{
    /// <summary>Loading, warm-up and the slowest repetition of any row are far below this.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    private Process? _process;

    public override IEnumerable<int> ProcessIds => _process is { HasExited: false } ? [_process.Id] : [];

    public override double? PeakMemory => _process is { HasExited: false } ? PeakMemoryOf(_process) : null;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _process = Launch();
        string line = await ReadAsync(cancellationToken);
        while (!line.StartsWith("ready ", StringComparison.Ordinal))
            line = await ReadAsync(cancellationToken);
        using JsonDocument ready = JsonDocument.Parse(line["ready ".Length..]);
        Version = ready.RootElement.GetProperty("version").GetString()!;
        Check = [.. ready.RootElement.GetProperty("check").EnumerateArray().Select(value => value.GetDouble())];
    }

    public override async Task<double[]> RunAsync(double seconds, CancellationToken cancellationToken)
    {
        await _process!.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"run {seconds}"));
        await _process.StandardInput.FlushAsync(cancellationToken);
        using JsonDocument answer = JsonDocument.Parse(await ReadAsync(cancellationToken));
        return [.. answer.RootElement.EnumerateArray().Select(value => value.GetDouble())];
    }

    protected override void Dispose(bool disposing)
    {
        Kill(_process);
        _process = null;
    }

    private async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        Process process = _process!;
        string? line;
        using (EndOn(process, patience.Token))
            line = await process.StandardOutput.ReadLineAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        if (line is not null)
            return line;
        await process.WaitForExitAsync(CancellationToken.None);
        throw patience.IsCancellationRequested ? new ContenderException("failed", $"it said nothing for {s_patience.TotalMinutes} minutes") : Ended(process.ExitCode);
    }
}
