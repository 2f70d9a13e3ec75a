namespace Dino.Tensors.Cpu;

/// <summary>Work over items [0, count) whose result does not depend on where the range is cut. Implement as a struct.</summary>
internal interface IRange
{
    void Run(long start, long end);
}

/// <summary>Cuts a range into tasks of a fixed size, whatever the number of threads.</summary>
internal static class Ranges
{
    /// <summary>64 KB of F32 per operand: several operands stay in the L2, and a task outweighs its hand-over a hundred times.</summary>
    public const long TaskElements = 16384;

    /// <summary>Below this a second thread saves less than waking it costs.</summary>
    private const long InlineElements = 32768;

    /// <param name="weight">Elements that one item touches.</param>
    public static void Run<TRange>(WorkerPool workers, long count, long weight, TRange range)
        where TRange : struct, IRange
    {
        if (count <= 0)
            return;
        long grain = Math.Max(1, TaskElements / Math.Max(1, weight));
        if (count <= grain || count * Math.Max(1, weight) <= InlineElements)
        {
            range.Run(0, count);
            return;
        }

        Job<TRange> job = new(range, count, grain);
        workers.Run(checked((int)((count + grain - 1) / grain)), ref job);
    }

    private struct Job<TRange>(TRange range, long count, long grain) : IJob
        where TRange : struct, IRange
    {
        private TRange _range = range;

        public void Run(int task, int worker) => _range.Run(task * grain, Math.Min(count, (task + 1) * grain));
    }
}
