using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dino.Benchmarks.Peers;

/// <summary><c>peers</c>: ours and the peers, timed in turns in one run.</summary>
internal static class PeersCommand
{
    private static readonly Option<string> s_rows = new("--rows") { Description = $"Tables to measure, of {string.Join(",", RowGroup.All.Select(group => group.Key))}.", DefaultValueFactory = _ => string.Join(',', RowGroup.All.Where(group => !group.IsAskedFor).Select(group => group.Key)) };
    private static readonly Option<string?> s_only = new("--only") { Description = "Only rows whose names contain this text, or one of several divided by ';'." };
    private static readonly Option<string> s_threads = new("--threads") { Description = "Thread counts.", DefaultValueFactory = _ => Environment.ProcessorCount > 1 ? $"1,{Environment.ProcessorCount}" : "1" };
    private static readonly Option<int?> s_rounds = new("--rounds") { Description = "Turns of every contender (5; quick: 2)." };
    private static readonly Option<double?> s_seconds = new("--seconds") { Description = "Seconds of a turn (0.5; quick: 0.1)." };
    private static readonly Option<bool> s_quick = new("--quick") { Description = "Few and short turns: shows that everything runs, not how fast it is." };
    private static readonly Option<string> s_peersDirectory = new("--peers-dir") { Description = "What Peers/drivers/setup.sh filled; by default PEERS_DIR, else 'peers' in the folder for temporary files.", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("PEERS_DIR") is { Length: > 0 } folder ? folder : Path.Combine(Path.GetTempPath(), "peers") };
    private static readonly Option<string> s_python = new("--python") { Description = "The Python that has the peers.", DefaultValueFactory = _ => "/usr/bin/python3" };
    private static readonly Option<string?> s_startupProgram = new("--startup-exe") { Description = "A published program for the start-up rows, such as the dino tool; by default this program embeds." };
    private static readonly Option<string> s_startupArguments = new("--startup-arguments") { Description = "Its arguments.", DefaultValueFactory = _ => "embed --weights {weights} --input {image} --output {output} --threads {threads}" };
    private static readonly Option<string?> s_out = new("--out") { Description = "Write the tables (.md) or everything (.json) to this file." };
    private static readonly Option<string?> s_update = new("--update") { Description = "Replace the tables between the markers of this document, for example docs/performance.md." };
    private static readonly Option<string?> s_commit = new("--commit") { Description = "The version measured, where git cannot tell." };

    /// <summary>Exit status after Ctrl-C, as shells expect it.</summary>
    private const int Stopped = 130;

    /// <summary>0 if our side of every row ran, 1 if not, 2 for a wrong call, 130 after Ctrl-C.</summary>
    public static int Run(string[] arguments)
    {
        RootCommand command = new("Time this library and its peers in turns, on the same work and the same threads.")
        {
            s_rows, s_only, s_threads, s_rounds, s_seconds, s_quick, s_peersDirectory, s_python, s_startupProgram, s_startupArguments, s_out, s_update, s_commit,
        };
        command.SetAction(MeasureAsync);
        ParseResult parsed = command.Parse(arguments);
        if (parsed.Errors.Count > 0)
            return Usage(parsed);
        using CancellationTokenSource stop = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            // Not on the thread of signals: what follows ends the contenders and writes what was measured.
            _ = stop.CancelAsync();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, stop.Token).GetAwaiter().GetResult();
    }

    private static int Usage(ParseResult parsed)
    {
        foreach (System.CommandLine.Parsing.ParseError error in parsed.Errors)
            Console.Error.WriteLine(error.Message);
        return 2;
    }

    private static async Task<int> MeasureAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        string work = Path.Combine(Path.GetTempPath(), $"dino-peers-{Environment.ProcessId}");
        try
        {
            IReadOnlyList<RowGroup> groups = RowGroup.Named(parsed.GetValue(s_rows)!);
            PeerSettings settings = Settings(parsed, work);
            Directory.CreateDirectory(work);
            return await MeasureAsync(parsed, groups, settings, cancellationToken);
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
        finally
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
        }
    }

    private static async Task<int> MeasureAsync(ParseResult parsed, IReadOnlyList<RowGroup> groups, PeerSettings settings, CancellationToken cancellationToken)
    {
        string? update = parsed.GetValue(s_update), file = parsed.GetValue(s_out);
        if (!Directory.Exists(settings.PeersDirectory))
            Console.Error.WriteLine($"There are no peers in {settings.PeersDirectory}: run {Path.Combine(PeerSettings.Drivers, "setup.sh")} --peers-dir {settings.PeersDirectory}. Until then their columns say so.");
        // An hour of measuring must not end with a document that has no place for it.
        foreach (RowGroup group in update is null ? [] : groups)
            ReportTable.Insert(await File.ReadAllTextAsync(update!, cancellationToken), group.Key, "");
        Machine machine = Machine.Describe(parsed.GetValue(s_commit));
        List<RowResult> all = [];
        List<string> tables = [];
        long start = Stopwatch.GetTimestamp();
        bool stopped = false;
        foreach (RowGroup group in groups)
        {
            (IReadOnlyList<RowResult> results, stopped) = await MeasureAsync(group, settings, cancellationToken);
            all.AddRange(results);
            if (results.Count > 0)
                tables.Add($"## {group.Title}\n\n{ReportTable.Of(group, results, machine)}");
            if (stopped)
                break;
            // Group by group, and only whole ones: the document keeps its older table otherwise.
            if (update is not null && results.Count > 0)
                await File.WriteAllTextAsync(update, ReportTable.Insert(await File.ReadAllTextAsync(update, cancellationToken), group.Key, ReportTable.Of(group, results, machine)), cancellationToken);
        }

        string text = string.Join('\n', tables);
        Console.Out.WriteLine(text);
        if (file is not null && file.EndsWith(".json", StringComparison.Ordinal))
            new ReportFile(machine, settings.Rounds, settings.Seconds, Stopwatch.GetElapsedTime(start).TotalSeconds, all).Save(file);
        else if (file is not null)
            await File.WriteAllTextAsync(file, text, CancellationToken.None);
        Console.Error.WriteLine($"{(stopped ? "stopped after " : "")}{all.Count} rows, {Stopwatch.GetElapsedTime(start).TotalMinutes:F1} minutes");
        return stopped ? Stopped : all.Count > 0 && all.TrueForAll(row => row.Contenders[0].Counts) ? 0 : 1;
    }

    /// <summary>The rows of one table, as far as they were measured before somebody stopped the run.</summary>
    private static async Task<(IReadOnlyList<RowResult> Results, bool Stopped)> MeasureAsync(RowGroup group, PeerSettings settings, CancellationToken cancellationToken)
    {
        RowRunner runner = new(settings);
        List<RowResult> results = [];
        try
        {
            foreach (Row row in group.Rows(settings).Where(row => settings.Only.Count == 0 || settings.Only.Any(text => row.Name.Contains(text, StringComparison.OrdinalIgnoreCase))))
            {
                RowResult result = await runner.RunAsync(row, cancellationToken);
                results.Add(result);
                Show(result, group);
            }
        }
        catch (OperationCanceledException)
        {
            return (results, true);
        }

        return (results, false);
    }

    /// <exception cref="ArgumentException">A value that cannot be.</exception>
    private static PeerSettings Settings(ParseResult parsed, string work)
    {
        bool quick = parsed.GetValue(s_quick);
        string[] threads = parsed.GetValue(s_threads)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        PeerSettings settings = new()
        {
            PeersDirectory = Path.GetFullPath(parsed.GetValue(s_peersDirectory)!),
            WorkDirectory = work,
            Python = parsed.GetValue(s_python)!,
            Threads = [.. threads.Select(text => int.TryParse(text, out int count) && count is >= 1 and <= 1024 ? count : throw new ArgumentException($"--threads must list counts of 1 to 1024, not '{text}'."))],
            Rounds = parsed.GetValue(s_rounds) ?? (quick ? 2 : 5),
            Seconds = parsed.GetValue(s_seconds) ?? (quick ? 0.1 : 0.5),
            Only = parsed.GetValue(s_only)?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
            StartupProgram = parsed.GetValue(s_startupProgram) is { } program ? Path.GetFullPath(program) : null,
            StartupArguments = parsed.GetValue(s_startupArguments)!,
        };
        if (settings.Threads.Count == 0 || settings.Rounds < 1 || !(settings.Seconds > 0))
            throw new ArgumentException("--threads needs a count, --rounds and --seconds must be positive.");
        return settings;
    }

    private static void Show(RowResult result, RowGroup group)
    {
        string ratio = result.Ratio is { } value ? FormattableString.Invariant($"{(group.IsShare ? "" : "x")}{value.Median:F2} ({value.Min:F2}-{value.Max:F2}) of {result.Against}") : "no comparison";
        Console.Error.WriteLine($"{result.Group}: {result.Name}, {result.Threads} threads: {ratio}{(result.Disturbed ? ", disturbed" : "")}");
        foreach (ContenderResult contender in result.Contenders.Where(contender => !contender.Counts))
            Console.Error.WriteLine($"  {contender.Name}: {contender.Status}: {contender.Reason}");
    }
}
