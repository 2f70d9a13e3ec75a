using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Rotary position embedding: a task is a run of tokens.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Rotate(in View qkv, in View turns, bool inverse, in Destination y)
    {
        int tokens = qkv.Shape[1], turned = turns.Shape[1], half = turns.Shape[2];
        long rows = (long)qkv.Shape[0] * tokens;
        int columns = checked((int)(qkv.Count / Math.Max(rows, 1)));
        RowTiles tiles = RowTiles.Independent(rows, columns);
        RotateJob job = new()
        {
            X = qkv.F32, Cosines = turns.F32, Sines = turns.F32 + ((long)turned * half), Sign = inverse ? -1 : 1, Y = y.View.F32, Accumulate = y.Accumulate,
            Tokens = tokens, Kept = tokens - turned, Heads = 2 * qkv.Shape[3], Half = half, Columns = columns, Tiles = tiles,
        };
        RunTiles(tiles.Count, qkv.Count, ref job);
    }

    private struct RotateJob : IJob
    {
        public float* X, Cosines, Sines, Y;
        public float Sign;
        public bool Accumulate;
        public int Tokens, Kept, Heads, Half, Columns;
        public RowTiles Tiles;

        public readonly void Run(int task, int worker)
        {
            for (long row = Tiles.First(task); row < Tiles.Last(task); row++)
            {
                float* x = X + (row * Columns), y = Y + (row * Columns);
                int position = (int)(row % Tokens) - Kept, done = 0;
                if (position >= 0)
                {
                    RotateKernels<V>.Heads(x, Cosines + ((long)position * Half), Sines + ((long)position * Half), Sign, y, Accumulate, Heads, Half);
                    done = Heads * 2 * Half;
                }

                if (x != y)
                    RotateKernels<V>.Keep(x + done, y + done, Accumulate, Columns - done);
            }
        }
    }
}
