using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

public sealed unsafe class WorkerPoolTests
{
    private struct CountJob(int[] visits, int threads) : IJob
    {
        public int Wrong;

        public void Run(int task, int worker)
        {
            Interlocked.Increment(ref visits[task]);
            if ((uint)worker >= (uint)threads)
                Wrong++;
        }
    }

    private readonly struct NestedJob(WorkerPool pool, int[] visits, bool sameThread) : IJob
    {
        public void Run(int task, int worker)
        {
            int thread = Environment.CurrentManagedThreadId;
            ThreadCheckJob inner = new(visits, task * 10, sameThread ? thread : 0, worker);
            pool.Run(10, ref inner);
        }
    }

    private readonly struct ThreadCheckJob(int[] visits, int first, int thread, int worker) : IJob
    {
        public void Run(int task, int w)
        {
            if ((thread == 0 || Environment.CurrentManagedThreadId == thread) && w == worker)
                Interlocked.Increment(ref visits[first + task]);
        }
    }

    private struct BusyJob(int[] slots) : IJob
    {
        public void Run(int task, int worker)
        {
            // Two tasks of different regions with one worker number at once would clash in scratch memory.
            Assert.Equal(1, Interlocked.Increment(ref slots[worker * 32]));
            Thread.SpinWait(50);
            Interlocked.Decrement(ref slots[worker * 32]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Each_task_runs_once(int threads)
    {
        using WorkerPool pool = new(threads);
        Assert.Equal(threads, pool.Threads);
        for (int round = 0; round < 2000; round++)
        {
            int count = round % 37;
            int[] visits = new int[37];
            CountJob job = new(visits, threads);
            pool.Run(count, ref job);
            Assert.Equal(0, job.Wrong);
            for (int i = 0; i < visits.Length; i++)
                Assert.Equal(i < count ? 1 : 0, visits[i]);
        }
    }

    [Fact]
    public void Sleeping_helpers_wake_up()
    {
        using WorkerPool pool = new(3);
        int[] visits = new int[64];
        for (int round = 1; round <= 20; round++)
        {
            // Longer than helpers spin, so that they sleep between regions.
            Thread.Sleep(2);
            CountJob job = new(visits, 3);
            pool.Run(visits.Length, ref job);
            Assert.All(visits, count => Assert.Equal(round, count));
        }
    }

    [Fact]
    public void Nested_regions_run_on_the_thread_of_their_task()
    {
        using WorkerPool pool = new(3);
        int[] visits = new int[200];
        NestedJob job = new(pool, visits, sameThread: true);
        pool.Run(20, ref job);
        Assert.All(visits, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Callers_on_many_threads_take_turns()
    {
        using WorkerPool pool = new(3);
        int[] slots = new int[3 * 32];
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 6 }, _ =>
        {
            BusyJob job = new(slots);
            pool.Run(16, ref job);
        });
        Assert.All(slots, count => Assert.Equal(0, count));
    }

    [Fact]
    public void A_disposed_pool_runs_tasks_on_the_caller()
    {
        WorkerPool pool = new(3);
        pool.Dispose();
        pool.Dispose();
        int[] visits = new int[10];
        int thread = Environment.CurrentManagedThreadId;
        ThreadCheckJob job = new(visits, 0, thread, 2);
        pool.Run(10, ref job);
        Assert.All(visits, count => Assert.Equal(1, count));
    }

    [Fact]
    public void An_exception_on_the_caller_closes_the_region()
    {
        using WorkerPool pool = new(1);
        ThrowJob broken = default;
        Assert.Throws<InvalidOperationException>(() => pool.Run(4, ref broken));
        int[] visits = new int[10];
        CountJob job = new(visits, 1);
        pool.Run(10, ref job);
        Assert.All(visits, count => Assert.Equal(1, count));
    }

    private readonly struct ThrowJob : IJob
    {
        public void Run(int task, int worker) => throw new InvalidOperationException();
    }

    [Fact]
    public void A_warm_region_allocates_nothing()
    {
        using WorkerPool pool = new(2);
        int[] visits = new int[8];
        CountJob job = new(visits, 2);
        for (int i = 0; i < 100; i++)
            pool.Run(8, ref job);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            pool.Run(8, ref job);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
