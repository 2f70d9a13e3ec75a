using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dino.Cli;

/// <summary>The first Ctrl-C (or SIGTERM) asks a command to finish its step and save; the second ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan s_echo = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private long _first;

    public Interruption() => _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        // A normal exit would wait for the very step that is to be left; files are written whole or not at all, so a kill is safe.
        if (Interlocked.CompareExchange(ref _first, Stopwatch.GetTimestamp(), 0) is var first and not 0)
        {
            // Who signals a whole group and then its leader means one signal.
            if (Stopwatch.GetElapsedTime(first) > s_echo)
                Process.GetCurrentProcess().Kill();
            return;
        }

        // The request comes first: the word about it waits for as long as nobody reads the stream.
        _source.Cancel();
        Console.Error.WriteLine("stopping after this step; Ctrl-C again ends at once");
    }
}
