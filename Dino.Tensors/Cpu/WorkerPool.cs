using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Tensors.Cpu;

/// <summary>A parallel region: <see cref="Run"/> is called once for each task number, on any thread. Implement as a struct.</summary>
internal interface IJob
{
    /// <param name="task">Task number: fixes what is computed (never the thread count).</param>
    /// <param name="worker">Thread number in [0, Threads): may select scratch memory, nothing else.</param>
    void Run(int task, int worker);
}

/// <summary>Runs the tasks of a parallel region on a fixed number of threads, the caller's included.</summary>
/// <remarks>
/// Tasks are handed out by an atomic counter. The caller takes tasks too, and in the end waits only for helpers that joined, so a
/// helper which the system does not schedule costs nothing. Idle helpers spin for a short while, since the next region of a network
/// follows within microseconds, then sleep. A region allocates nothing: the job stays on the caller's stack.
/// </remarks>
internal sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>Set in <see cref="Signals.State"/> while helpers may join; the bits below count the helpers inside, those above number the region.</summary>
    private const int Open = 1 << 12;
    private const int Inside = Open - 1;
    private const int NextRegion = Open << 1;

    private static readonly long SpinTicks = Stopwatch.Frequency / 10_000;

    [ThreadStatic]
    private static WorkerPool? _currentPool;

    [ThreadStatic]
    private static int _currentWorker;

    private readonly Lock _gate = new();
    private readonly Helper[] _helpers;
    private Signals _signals;
    private void* _job;
    private delegate*<void*, int, int, void> _invoke;
    private int _count;
    private volatile bool _stop;

    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, Inside);
        Threads = threads;
        _helpers = new Helper[threads - 1];
        for (int i = 0; i < _helpers.Length; i++)
            _helpers[i] = new Helper(this, i);
    }

    public int Threads { get; }

    /// <summary>Runs tasks 0 .. count - 1 and returns when all are done. Tasks do not throw.</summary>
    /// <remarks>
    /// One region at a time: a second caller waits. A region opened by a task of this pool runs on that task's thread alone, and so does
    /// every region after <see cref="Dispose"/>.
    /// </remarks>
    public void Run<TJob>(int count, ref TJob job)
        where TJob : struct, IJob
    {
        if (_currentPool == this)
        {
            RunHere(count, ref job, _currentWorker);
            return;
        }

        lock (_gate)
        {
            (WorkerPool? pool, int worker) = (_currentPool, _currentWorker);
            (_currentPool, _currentWorker) = (this, Threads - 1);
            try
            {
                if (count > 1 && _helpers.Length > 0 && !_stop)
                    RunTogether(count, ref job);
                else
                    RunHere(count, ref job, Threads - 1);
            }
            finally
            {
                (_currentPool, _currentWorker) = (pool, worker);
            }
        }
    }

    private static void RunHere<TJob>(int count, ref TJob job, int worker)
        where TJob : struct, IJob
    {
        for (int i = 0; i < count; i++)
            job.Run(i, worker);
    }

    private void RunTogether<TJob>(int count, ref TJob job)
        where TJob : struct, IJob
    {
        // A copy on this stack cannot be moved by the garbage collector, wherever the caller keeps the job.
        TJob local = job;
        _job = Unsafe.AsPointer(ref local);
        _invoke = &Invoke<TJob>;
        _count = count;
        _signals.Next = 0;
        // The full fence of the exchange orders the fields above before it and the look at sleeping helpers after it.
        Interlocked.Exchange(ref _signals.State, (_signals.State + NextRegion) | Open);
        int wanted = Math.Min(count - 1, _helpers.Length);
        for (int i = 0; i < wanted; i++)
            _helpers[i].Wake();
        try
        {
            Drain(Threads - 1);
        }
        finally
        {
            Interlocked.And(ref _signals.State, ~Open);
            SpinWait wait = default;
            while ((Volatile.Read(ref _signals.State) & Inside) != 0)
                wait.SpinOnce(sleep1Threshold: -1);
        }

        job = local;
    }

    private static void Invoke<TJob>(void* job, int task, int worker)
        where TJob : struct, IJob => Unsafe.AsRef<TJob>(job).Run(task, worker);

    private void Drain(int worker)
    {
        void* job = _job;
        delegate*<void*, int, int, void> invoke = _invoke;
        int count = _count;
        for (int task = Interlocked.Increment(ref _signals.Next) - 1; task < count; task = Interlocked.Increment(ref _signals.Next) - 1)
            invoke(job, task, worker);
    }

    /// <summary>Enters the open region unless it is the one numbered <paramref name="seen"/>; the job is valid until this helper leaves.</summary>
    private bool TryJoin(ref int seen)
    {
        while (true)
        {
            int state = Volatile.Read(ref _signals.State);
            int region = state & ~(Open | Inside);
            if ((state & Open) == 0 || region == seen)
                return false;
            if (Interlocked.CompareExchange(ref _signals.State, state + 1, state) == state)
            {
                seen = region;
                return true;
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_stop)
                return;
            _stop = true;
        }

        foreach (Helper helper in _helpers)
            helper.Dispose();
    }

    /// <summary>The two words that threads fight over, each on cache lines of its own (pairs of lines are fetched together).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Signals
    {
        [FieldOffset(128)]
        public int State;

        [FieldOffset(256)]
        public int Next;
    }

    private sealed class Helper : IDisposable
    {
        private readonly WorkerPool _pool;
        private readonly int _worker;
        private readonly SemaphoreSlim _wake = new(0);
        private readonly Thread _thread;
        private int _parked;

        public Helper(WorkerPool pool, int worker)
        {
            (_pool, _worker) = (pool, worker);
            _thread = new Thread(Work) { IsBackground = true, Name = $"Dino worker {worker}" };
            _thread.Start();
        }

        /// <summary>Whoever clears the parked flag owns the one permit, so permits never pile up.</summary>
        public void Wake()
        {
            if (Volatile.Read(ref _parked) != 0 && Interlocked.Exchange(ref _parked, 0) != 0)
                _wake.Release();
        }

        public void Dispose()
        {
            Wake();
            _thread.Join();
            _wake.Dispose();
        }

        private void Work()
        {
            (_currentPool, _currentWorker) = (_pool, _worker);
            int seen = 0;
            while (!_pool._stop)
            {
                if (Spin(ref seen))
                {
                    _pool.Drain(_worker);
                    Interlocked.Decrement(ref _pool._signals.State);
                }
                else
                {
                    Park(seen);
                }
            }
        }

        private bool Spin(ref int seen)
        {
            long end = Stopwatch.GetTimestamp() + SpinTicks;
            do
            {
                for (int i = 0; i < 32; i++)
                {
                    if (_pool.TryJoin(ref seen))
                        return true;
                    Thread.SpinWait(8);
                }
            }
            while (!_pool._stop && Stopwatch.GetTimestamp() < end);
            return false;
        }

        private void Park(int seen)
        {
            Interlocked.Exchange(ref _parked, 1);
            // A region that opened before the flag was up did not see it: look again before sleeping.
            int state = Volatile.Read(ref _pool._signals.State);
            bool missed = _pool._stop || ((state & Open) != 0 && (state & ~(Open | Inside)) != seen);
            if (missed && Interlocked.Exchange(ref _parked, 0) != 0)
                return;
            _wake.Wait();
        }
    }
}
