using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Layer normalisation: a task is a run of rows, and leaves one row of parameter gradients behind.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void LayerNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd) =>
        LayerNorm(x, default, gamma, beta, epsilon, y, mean, rstd);

    public override void SampleLayerNorm(in View x, in View samples, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd)
    {
        CheckIndices(samples, x.Shape);
        LayerNorm(x, new SampleRows(samples, y.Rows), gamma, beta, epsilon, y, mean, rstd);
    }

    public override void LayerNormBackward(in View x, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta) =>
        LayerNormBackward(x, default, gamma, mean, rstd, dy, dx, dgamma, dbeta);

    public override void SampleLayerNormBackward(in View x, in View samples, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        CheckIndices(samples, x.Shape);
        if (dx is { IsWanted: true, Accumulate: false })
            Fill(dx.View, 0);
        LayerNormBackward(x, new SampleRows(samples, dy.Rows), gamma, mean, rstd, dy, dx.IsWanted ? dx with { Accumulate = true } : dx, dgamma, dbeta);
    }

    private void LayerNorm(in View x, SampleRows rows, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd)
    {
        using ScratchFrame scratch = OpenScratch();
        RowTiles tiles = RowTiles.Independent(y.Rows, x.Columns);
        LayerNormJob job = new()
        {
            X = x.F32, Rows = rows, Gamma = OrConstant(gamma, 1f, x.Columns, scratch), Beta = OrConstant(beta, 0f, x.Columns, scratch), Epsilon = epsilon,
            Y = y.F32, Mean = mean.F32, Rstd = rstd.F32, Columns = x.Columns, Tiles = tiles,
        };
        RunTiles(tiles.Count, y.Count, ref job);
    }

    private void LayerNormBackward(in View x, SampleRows rows, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        using ScratchFrame scratch = OpenScratch();
        bool wantsParameters = dgamma.IsWanted || dbeta.IsWanted;
        RowTiles tiles = RowTiles.ForColumnSums(dy.Rows, x.Columns);
        int stride = PaddedColumns(x.Columns);
        LayerNormBackwardJob job = new()
        {
            X = x.F32, Rows = rows, Gamma = OrConstant(gamma, 1f, x.Columns, scratch), Mean = mean.F32, Rstd = rstd.F32,
            Dy = dy.F32, Dx = dx.View.F32, Accumulate = dx.Accumulate, Columns = x.Columns, Tiles = tiles, Stride = stride,
            Partials = wantsParameters ? scratch.Take([tiles.Count, 2, stride]).F32 : null,
        };
        RunTiles(tiles.Count, dy.Count, ref job);
        if (dgamma.IsWanted)
            FoldColumns(job.Partials, 2L * stride, tiles.Count, dgamma);
        if (dbeta.IsWanted)
            FoldColumns(job.Partials + stride, 2L * stride, tiles.Count, dbeta);
    }

    /// <summary>A row of scratch that begins on a cache line.</summary>
    private static int PaddedColumns(int columns) => checked(columns + 15) & ~15;

    /// <summary>The row of parameters, or scratch filled with the constant that stands for its absence.</summary>
    private static float* OrConstant(in View row, float value, int columns, in ScratchFrame scratch)
    {
        if (row.Exists)
            return row.F32;
        float* constant = scratch.Take([columns]).F32;
        new Span<float>(constant, columns).Fill(value);
        return constant;
    }

    /// <summary>sums = Σ over tiles of partials.</summary>
    private void FoldColumns(float* partials, long stride, int tiles, in Destination sums)
    {
        int columns = checked((int)sums.View.Count);
        ColumnFold<V> fold = new() { Partials = partials, Stride = stride, Tiles = tiles, Columns = columns, Sums = sums.View.F32, Accumulate = sums.Accumulate };
        RunTiles(fold.Tasks, (long)tiles * columns, ref fold);
    }

    private struct LayerNormJob : IJob
    {
        public float* X, Gamma, Beta, Y, Mean, Rstd;
        public float Epsilon;
        public int Columns;
        public RowTiles Tiles;
        public SampleRows Rows;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
                LayerNormKernels<V>.Row(X + (Rows.Of(row) * Columns), Gamma, Beta, Epsilon, Y + (row * Columns), out Mean[row], out Rstd[row], Columns);
        }
    }

    private struct LayerNormBackwardJob : IJob
    {
        public float* X, Gamma, Mean, Rstd, Dy, Dx, Partials;
        public bool Accumulate;
        public int Columns, Stride;
        public RowTiles Tiles;
        public SampleRows Rows;

        public readonly void Run(int task, int worker)
        {
            float* dgamma = Partials + (2L * Stride * task), dbeta = dgamma + Stride;
            if (Partials != null)
                NativeMemory.Clear(dgamma, 2 * sizeof(float) * (nuint)Stride);

            // Four rows at a time, so that the second visit finds them in the first-level cache.
            long rows;
            for (long row = Tiles.First(task); row < Tiles.Last(task); row += rows)
            {
                rows = Rows.Run(row, Math.Min(4, Tiles.Last(task) - row));
                long at = row * Columns, source = Rows.Of(row) * Columns;
                if (Partials != null)
                    LayerNormKernels<V>.ParameterGradients(X + source, Mean + row, Rstd + row, Dy + at, dgamma, dbeta, rows, Columns);
                if (Dx == null)
                    continue;
                for (long i = row, end = row + rows; i < end; i++, at += Columns, source += Columns)
                    LayerNormKernels<V>.InputGradient(X + source, Gamma, Mean[i], Rstd[i], Dy + at, Dx + source, Accumulate, Columns);
            }
        }
    }
}
