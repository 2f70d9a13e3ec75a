using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>L2 and weight normalisation: a task is a run of whole rows.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Normalize(in View x, float epsilon, in View y, in View norms)
    {
        RowTiles tiles = RowTiles.Independent(x.Rows, x.Columns);
        NormalizeJob job = new() { X = x.F32, Epsilon = epsilon, Y = y.F32, Norms = norms.F32, Columns = x.Columns, Tiles = tiles };
        RunTiles(tiles.Count, x.Count, ref job);
    }

    public override void NormalizeBackward(in View y, in View norms, float epsilon, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        RowTiles tiles = RowTiles.Independent(y.Rows, y.Columns);
        NormalizeBackwardJob job = new()
        {
            Y = y.F32, Norms = norms.F32, Epsilon = epsilon, Dy = dy.F32, Dx = dx.View.F32, Accumulate = dx.Accumulate, Columns = y.Columns, Tiles = tiles,
        };
        RunTiles(tiles.Count, y.Count, ref job);
    }

    public override void WeightNorm(in View v, in View g, in View w, in View norms)
    {
        RowTiles tiles = RowTiles.Independent(v.Rows, v.Columns);
        WeightNormJob job = new() { Direction = v.F32, G = g.F32, W = w.F32, Norms = norms.F32, Columns = v.Columns, Tiles = tiles };
        RunTiles(tiles.Count, v.Count, ref job);
    }

    public override void WeightNormBackward(in View v, in View g, in View norms, in View dw, in Destination dv, in Destination dg)
    {
        RowTiles tiles = RowTiles.Independent(v.Rows, v.Columns);
        WeightNormBackwardJob job = new()
        {
            Direction = v.F32, G = g.F32, Norms = norms.F32, Dw = dw.F32, Columns = v.Columns, Tiles = tiles,
            Dv = dv.View.F32, AccumulateV = dv.Accumulate, Dg = dg.View.F32, AccumulateG = dg.Accumulate,
        };
        RunTiles(tiles.Count, v.Count, ref job);
    }

    private struct NormalizeJob : IJob
    {
        public float* X, Y, Norms;
        public float Epsilon;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                float* x = X + (row * Columns);
                double norm = Math.Sqrt(RowSums<V>.SumOfSquares(x, Columns));
                Norms[row] = (float)norm;
                NormalizeKernels<V>.Scale(x, (float)(1 / Math.Max(norm, Epsilon)), Y + (row * Columns), Columns);
            }
        }
    }

    private struct NormalizeBackwardJob : IJob
    {
        public float* Y, Norms, Dy, Dx;
        public float Epsilon;
        public bool Accumulate;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                // dx = (dy - y (y·dy)) / norm; a clamped norm is a constant, and nothing is projected out.
                long at = row * Columns;
                float norm = Norms[row];
                float projection = norm < Epsilon ? 0f : (float)RowSums<V>.Dot(Y + at, Dy + at, Columns);
                NormalizeKernels<V>.ProjectOut(Y + at, Dy + at, projection, 1f / MathF.Max(norm, Epsilon), Dx + at, Accumulate, Columns);
            }
        }
    }

    private struct WeightNormJob : IJob
    {
        public float* Direction, G, W, Norms;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                float* v = Direction + (row * Columns);
                double norm = Math.Sqrt(RowSums<V>.SumOfSquares(v, Columns));
                Norms[row] = (float)norm;
                NormalizeKernels<V>.Scale(v, (float)(G[row] / norm), W + (row * Columns), Columns);
            }
        }
    }

    private struct WeightNormBackwardJob : IJob
    {
        public float* Direction, G, Norms, Dw, Dv, Dg;
        public bool AccumulateV, AccumulateG;
        public int Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                // With u = v / ‖v‖: dg = u·dw, and dv = g / ‖v‖ (dw - u dg).
                long at = row * Columns;
                double norm = Norms[row];
                double dg = RowSums<V>.Dot(Direction + at, Dw + at, Columns) / norm;
                if (Dg != null)
                    Dg[row] = AccumulateG ? Dg[row] + (float)dg : (float)dg;
                if (Dv != null)
                    NormalizeKernels<V>.ProjectOut(Direction + at, Dw + at, (float)(dg / norm), (float)(G[row] / norm), Dv + at, AccumulateV, Columns);
            }
        }
    }
}
