namespace Dino.Benchmarks.Peers.Own;

/// <summary>Runs one part of a job on each of some threads of their own: what the machine can do must not depend on the library's pool.</summary>
internal static class Parts
{
    public static void Run(int threads, Action<int> part)
    {
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(index => new Thread(() => part(index)))];
        foreach (Thread other in others)
            other.Start();
        part(0);
        foreach (Thread other in others)
            other.Join();
    }
}
