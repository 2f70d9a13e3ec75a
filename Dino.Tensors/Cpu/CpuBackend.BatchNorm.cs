using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Batch normalisation. Forward: each tile of rows finds its own means and squared deviations while it is in the cache, the tiles are
/// merged, and a second sweep normalises. Backward: sums by tile, then a second sweep for dx.
/// </summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void BatchNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View variance)
    {
        using ScratchFrame scratch = OpenScratch();
        int columns = x.Columns, stride = PaddedColumns(columns);
        RowTiles tiles = RowTiles.ForColumnSums(x.Rows, columns);
        MomentsJob moments = new() { X = x.F32, Columns = columns, Stride = stride, Tiles = tiles, Partials = scratch.Take([tiles.Count, 2, stride]).F32 };
        RunTiles(tiles.Count, x.Count, ref moments);

        MergeMomentsJob merge = new()
        {
            Partials = moments.Partials, Columns = columns, Stride = stride, Tiles = tiles, Gamma = OrConstant(gamma, 1f, columns, scratch),
            Epsilon = epsilon, Mean = mean.F32, Variance = variance.F32, Scale = scratch.Take([columns]).F32,
        };
        RunTiles(merge.Tasks, (long)tiles.Count * columns, ref merge);

        BatchNormApplyJob apply = new()
        {
            X = x.F32, Y = y.F32, Mean = merge.Mean, Scale = merge.Scale, Beta = OrConstant(beta, 0f, columns, scratch), Columns = columns, Tiles = tiles,
        };
        RunTiles(tiles.Count, x.Count, ref apply);
    }

    public override void BatchNormBackward(in View x, in View gamma, in View mean, in View variance, float epsilon, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        using ScratchFrame scratch = OpenScratch();
        int columns = x.Columns, stride = PaddedColumns(columns);
        RowTiles tiles = RowTiles.ForColumnSums(x.Rows, columns);
        BatchNormSumsJob sums = new()
        {
            X = x.F32, Dy = dy.F32, Mean = mean.F32, Columns = columns, Stride = stride, Tiles = tiles, Partials = scratch.Take([tiles.Count, 2, stride]).F32,
        };
        RunTiles(tiles.Count, x.Count, ref sums);

        View sum = scratch.Take([columns]), projection = scratch.Take([columns]);
        FoldColumns(sums.Partials, 2L * stride, tiles.Count, new Destination(sum));
        FoldColumns(sums.Partials + stride, 2L * stride, tiles.Count, new Destination(projection));
        BatchNormGradientJob gradient = new()
        {
            X = x.F32, Mean = mean.F32, Dy = dy.F32, Dx = dx.View.F32, Accumulate = dx.Accumulate, Columns = columns, Tiles = tiles,
            Scale = scratch.Take([columns]).F32, Slope = scratch.Take([columns]).F32, Offset = scratch.Take([columns]).F32,
        };

        BatchNormKernels<V>.Coefficients(
            OrConstant(gamma, 1f, columns, scratch), variance.F32, epsilon, sum.F32, projection.F32, x.Rows, columns, gradient.Scale, gradient.Slope, gradient.Offset);
        if (dbeta.IsWanted)
            Axpby(1f, sum, dbeta.Beta, dbeta.View);
        if (dgamma.IsWanted)
            Axpby(1f, projection, dgamma.Beta, dgamma.View);
        if (dx.IsWanted)
            RunTiles(tiles.Count, x.Count, ref gradient);
    }

    private struct MomentsJob : IJob
    {
        public float* X, Partials;
        public int Columns, Stride;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            long first = Tiles.First(task), rows = Tiles.Last(task) - first;
            float* partial = Partials + (2L * Stride * task);
            for (int at = 0; at < Columns; at += BatchNormKernels<V>.Strip)
            {
                int columns = Math.Min(BatchNormKernels<V>.Strip, Columns - at);
                BatchNormKernels<V>.Moments(X + (first * Columns) + at, rows, Columns, columns, partial + at, partial + Stride + at);
            }
        }
    }

    private struct MergeMomentsJob : IJob
    {
        private const int TaskColumns = 256;

        public float* Partials, Gamma, Mean, Variance, Scale;
        public float Epsilon;
        public int Columns, Stride;
        public RowTiles Tiles;

        public readonly int Tasks => (Columns + TaskColumns - 1) / TaskColumns;

        public readonly void Run(int task, int worker)
        {
            int last = Math.Min(Columns, (task + 1) * TaskColumns);
            BatchNormKernels<V>.MergeMoments(Partials, Stride, Tiles, task * TaskColumns, last, Gamma, Epsilon, Mean, Variance, Scale);
        }
    }

    private struct BatchNormApplyJob : IJob
    {
        public float* X, Y, Mean, Scale, Beta;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            long first = Tiles.First(task);
            BatchNormKernels<V>.Apply(X + (first * Columns), Mean, Scale, Beta, Y + (first * Columns), Tiles.Last(task) - first, Columns);
        }
    }

    private struct BatchNormSumsJob : IJob
    {
        public float* X, Dy, Mean, Partials;
        public int Columns, Stride;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            long first = Tiles.First(task), rows = Tiles.Last(task) - first;
            float* partial = Partials + (2L * Stride * task);
            for (int at = 0; at < Columns; at += BatchNormKernels<V>.Strip)
            {
                int columns = Math.Min(BatchNormKernels<V>.Strip, Columns - at);
                float* x = X + (first * Columns) + at, dy = Dy + (first * Columns) + at;
                BatchNormKernels<V>.Sum<BatchNormKernels<V>.Gradient>(dy, dy, Mean + at, rows, Columns, columns, partial + at);
                BatchNormKernels<V>.Sum<BatchNormKernels<V>.Covariance>(x, dy, Mean + at, rows, Columns, columns, partial + Stride + at);
            }
        }
    }

    private struct BatchNormGradientJob : IJob
    {
        public float* X, Mean, Scale, Slope, Offset, Dy, Dx;
        public bool Accumulate;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            long first = Tiles.First(task), at = first * Columns;
            BatchNormKernels<V>.InputGradient(X + at, Mean, Scale, Slope, Offset, Dy + at, Dx + at, Accumulate, Tiles.Last(task) - first, Columns);
        }
    }
}
