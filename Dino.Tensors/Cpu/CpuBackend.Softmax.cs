using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Softmax family: a task is a run of whole rows.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    /// <summary>Below this many elements a region costs more than it saves: its tasks run on the caller, one after the other.</summary>
    private const long InlineElements = 32768;

    public override void Softmax(in View x, in View y)
    {
        RowTiles tiles = RowTiles.Independent(x.Rows, x.Columns);
        SoftmaxJob job = new() { X = x.F32, Y = y.F32, Columns = x.Columns, Tiles = tiles };
        RunTiles(tiles.Count, x.Count, ref job);
    }

    public override void SoftmaxBackward(in View y, in View dy, in Destination dx) => SoftmaxBackward(y, dy, dx, isLog: false);

    public override void LogSoftmax(in View x, in View y)
    {
        RowTiles tiles = RowTiles.Independent(x.Rows, x.Columns);
        SoftmaxJob job = new() { X = x.F32, Y = y.F32, Columns = x.Columns, Tiles = tiles, IsLog = true };
        RunTiles(tiles.Count, x.Count, ref job);
    }

    public override void LogSoftmaxBackward(in View y, in View dy, in Destination dx) => SoftmaxBackward(y, dy, dx, isLog: true);

    private void SoftmaxBackward(in View y, in View dy, in Destination dx, bool isLog)
    {
        if (!dx.IsWanted)
            return;
        RowTiles tiles = RowTiles.Independent(y.Rows, y.Columns);
        SoftmaxBackwardJob job = new()
        {
            Y = y.F32, Dy = dy.F32, Dx = dx.View.F32, Accumulate = dx.Accumulate, Columns = y.Columns, Tiles = tiles, IsLog = isLog,
        };
        RunTiles(tiles.Count, y.Count, ref job);
    }

    /// <summary>Runs tasks in parallel where there is enough work for it; the tasks, and so the results, are the same either way.</summary>
    private void RunTiles<TJob>(int count, long elements, ref TJob job)
        where TJob : struct, IJob
    {
        if (elements > InlineElements)
        {
            Workers.Run(count, ref job);
            return;
        }

        for (int task = 0; task < count; task++)
            job.Run(task, 0);
    }

    private struct SoftmaxJob : IJob
    {
        public float* X, Y;
        public int Columns;
        public RowTiles Tiles;
        public bool IsLog;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                if (IsLog)
                    SoftmaxKernels<V>.LogSoftmax(X + (row * Columns), Y + (row * Columns), Columns);
                else
                    SoftmaxKernels<V>.Softmax(X + (row * Columns), Y + (row * Columns), Columns);
            }
        }
    }

    private struct SoftmaxBackwardJob : IJob
    {
        public float* Y, Dy, Dx;
        public bool Accumulate, IsLog;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                long at = row * Columns;
                if (IsLog)
                    SoftmaxKernels<V>.LogSoftmaxBackward(Y + at, Dy + at, Dx + at, Accumulate, Columns);
                else
                    SoftmaxKernels<V>.SoftmaxBackward(Y + at, Dy + at, Dx + at, Accumulate, Columns);
            }
        }
    }
}
