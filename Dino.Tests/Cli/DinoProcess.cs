using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Dino.Tests.Cli;

/// <summary>What a finished <c>dino</c> left: its exit code and both streams.</summary>
internal sealed record DinoResult(int ExitCode, string Output, string Errors)
{
    /// <summary>The one JSON object on the output stream; anything else there is an error.</summary>
    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    /// <summary>Fails with what the program said unless it ended with this exit code.</summary>
    public DinoResult Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"Exit code {ExitCode}, expected {exitCode}.\n{Output}\n{Errors}");
        return this;
    }
}

/// <summary>The command line tool as users run it: a process of its own.</summary>
internal sealed partial class DinoProcess : IDisposable
{
    /// <summary>No command here takes more than a few seconds; a machine may be busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private const int Interruption = 2;
    private const nint DefaultAction = 0, Ignored = 1;

    private static readonly Lock Signals = new();

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task _listening;
    private readonly StringBuilder _said = new();

    private DinoProcess(string[] arguments)
    {
        ProcessStartInfo start = new(Host) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "dino.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        _process = StartListening(start);
        (_output, _listening) = (_process.StandardOutput.ReadToEndAsync(), Listen(_process.StandardError));
    }

    public bool HasExited => _process.HasExited;

    /// <summary>The host that runs this test runs the tool too.</summary>
    private static string Host => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host
        : Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : "dotnet";

    public static DinoProcess Start(params string[] arguments) => new(arguments);

    public static DinoResult Run(params string[] arguments)
    {
        using DinoProcess process = new(arguments);
        return process.Wait();
    }

    public DinoResult Wait()
    {
        if (!_process.WaitForExit(Patience))
            Assert.Fail($"dino did not end within {Patience}.");
        return new DinoResult(_process.ExitCode, _output.GetAwaiter().GetResult(), Said());
    }

    /// <summary>Waits until the error stream contains a text.</summary>
    public void WaitToSay(string text)
    {
        Stopwatch clock = Stopwatch.StartNew();
        lock (_said)
        {
            while (!_said.ToString().Contains(text, StringComparison.Ordinal))
            {
                Assert.False(_listening.IsCompleted, $"dino ended without saying '{text}': {_said}");
                Assert.True(clock.Elapsed < Patience, $"dino did not say '{text}' within {Patience}, but: {_said}");
                Monitor.Wait(_said, 100);
            }
        }
    }

    /// <summary>What Ctrl-C does.</summary>
    public void Interrupt() => Assert.Equal(0, SendSignal(_process.Id, Interruption));

    /// <summary>The end without notice: SIGKILL where there are signals.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private async Task Listen(StreamReader errors)
    {
        char[] buffer = new char[1024];
        for (int read; (read = await errors.ReadAsync(buffer)) > 0;)
        {
            lock (_said)
            {
                _said.Append(buffer, 0, read);
                Monitor.PulseAll(_said);
            }
        }
    }

    private string Said()
    {
        _listening.GetAwaiter().GetResult();
        lock (_said)
            return _said.ToString();
    }

    /// <summary>A shell that runs the tests in the background makes them, and what they start, deaf to Ctrl-C: the child shall hear it.</summary>
    private static Process StartListening(ProcessStartInfo start)
    {
        if (!OperatingSystem.IsLinux())
            return Process.Start(start)!;
        lock (Signals)
        {
            if (!IgnoresInterruption())
                return Process.Start(start)!;
            SetAction(Interruption, DefaultAction);
            Process process = Process.Start(start)!;
            SetAction(Interruption, Ignored);
            return process;
        }
    }

    private static bool IgnoresInterruption()
    {
        string mask = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim();
        return (ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << (Interruption - 1))) != 0;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint SetAction(int signal, nint action);
}

/// <summary>A test of signals, which Windows does not have: Ctrl-C there goes to a whole console, the test host included.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SignalFactAttribute : FactAttribute
{
    public SignalFactAttribute()
    {
        if (OperatingSystem.IsWindows())
            Skip = "Windows has no signals.";
    }
}
