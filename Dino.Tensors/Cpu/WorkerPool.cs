namespace Dino.Tensors.Cpu;

/// <summary>A parallel region: <see cref="Run"/> is called once for each task number, on any thread. Implement as a struct.</summary>
internal interface IJob
{
    /// <param name="task">Task number: fixes what is computed (never the thread count).</param>
    /// <param name="worker">Thread number in [0, Threads): may select scratch memory, nothing else.</param>
    void Run(int task, int worker);
}

/// <summary>Runs the tasks of a parallel region on a fixed number of threads, the caller's included.</summary>
internal sealed class WorkerPool : IDisposable
{
    public WorkerPool(int threads) => Threads = threads;

    public int Threads { get; }

    /// <summary>Runs tasks 0 .. count - 1 and returns when all are done. One region at a time; tasks do not throw and do not nest regions.</summary>
    public void Run<TJob>(int count, ref TJob job)
        where TJob : struct, IJob
    {
        for (int i = 0; i < count; i++)
            job.Run(i, Threads - 1);
    }

    public void Dispose() { }
}
