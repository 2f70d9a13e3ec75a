using System.Runtime.InteropServices;

namespace Dino.Cli;

/// <summary>The first Ctrl-C asks a command to finish its step and save; the second ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private int _count;

    public Interruption() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ =>
    {
        if (Interlocked.Increment(ref _count) > 1)
            Environment.Exit(CommandRunner.Failure);
        Console.Error.WriteLine("stopping after this step; Ctrl-C again ends at once");
    });

    public void Dispose() => _registration.Dispose();
}
