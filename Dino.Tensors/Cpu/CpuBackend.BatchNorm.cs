using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Batch normalisation. Forward: each tile of rows finds its own means and squared deviations while it is in the cache, the tiles are
/// merged in double by the rule of Chan, Golub and LeVeque (1979), and a second sweep normalises.
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

        // With n = (x - mean) rstd: dx = gamma rstd (dy - mean(dy) - n mean(dy n)) = scale dy + slope (x - mean) + offset.
        float* weight = OrConstant(gamma, 1f, columns, scratch);
        for (int i = 0; i < columns; i++)
        {
            double rstd = 1 / Math.Sqrt((double)variance.F32[i] + epsilon);
            double slope = projection.F32[i] * rstd;
            if (dbeta.IsWanted)
                dbeta.View.F32[i] = dbeta.Accumulate ? dbeta.View.F32[i] + sum.F32[i] : sum.F32[i];
            if (dgamma.IsWanted)
                dgamma.View.F32[i] = dgamma.Accumulate ? dgamma.View.F32[i] + (float)slope : (float)slope;
            gradient.Scale[i] = (float)(weight[i] * rstd);
            gradient.Slope[i] = (float)(-weight[i] * rstd * rstd * slope / x.Rows);
            gradient.Offset[i] = (float)(-weight[i] * rstd * sum.F32[i] / x.Rows);
        }

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
            long first = Tiles.First(task);
            float* partial = Partials + (2L * Stride * task);
            BatchNormKernels<V>.Moments(X + (first * Columns), Tiles.Last(task) - first, Columns, partial, partial + Stride);
        }
    }

    private struct MergeMomentsJob : IJob
    {
        private const int TaskColumns = 64;

        public float* Partials, Gamma, Mean, Variance, Scale;
        public float Epsilon;
        public int Columns, Stride;
        public RowTiles Tiles;

        public readonly int Tasks => (Columns + TaskColumns - 1) / TaskColumns;

        public readonly void Run(int task, int worker)
        {
            for (int column = task * TaskColumns; column < Math.Min(Columns, (task + 1) * TaskColumns); column++)
            {
                double sum = 0, squares = 0;
                for (int tile = 0; tile < Tiles.Count; tile++)
                    sum += (double)Partials[(2L * Stride * tile) + column] * (Tiles.Last(tile) - Tiles.First(tile));
                double mean = sum / Tiles.Rows;
                for (int tile = 0; tile < Tiles.Count; tile++)
                {
                    float* partial = Partials + (2L * Stride * tile) + column;
                    double distance = partial[0] - mean;
                    squares += partial[Stride] + (distance * distance * (Tiles.Last(tile) - Tiles.First(tile)));
                }

                Mean[column] = (float)mean;
                Variance[column] = (float)(squares / Tiles.Rows);
                Scale[column] = (float)(Gamma[column] / Math.Sqrt((squares / Tiles.Rows) + Epsilon));
            }
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
            long first = Tiles.First(task), at = first * Columns;
            float* partial = Partials + (2L * Stride * task);
            BatchNormKernels<V>.Sum<BatchNormKernels<V>.Gradient>(Dy + at, Dy + at, Mean, Tiles.Last(task) - first, Columns, partial);
            BatchNormKernels<V>.Sum<BatchNormKernels<V>.Covariance>(X + at, Dy + at, Mean, Tiles.Last(task) - first, Columns, partial + Stride);
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
