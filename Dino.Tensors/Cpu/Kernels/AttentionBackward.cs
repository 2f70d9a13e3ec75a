using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// Gradient of <see cref="AttentionForward{V}"/>: dqkv [B, N, 3, H, D] from qkv, y [B, N, H·D], logSumExp [B, H, N] and dy [B, N, H·D].
/// A task is a run of samples or one head, so that sums over queries are formed in one order.
/// </summary>
/// <remarks>
/// Per query block: P = exp(scale q kᵀ - logSumExp), dP = dy vᵀ (lanes are keys), dS = P (dP - Σ dy y) in place; then dv += Pᵀ dy,
/// dk += dSᵀ (scale q), dq = dS (scale k) (lanes are depth). The scale rides on the packed q and k. Padding keys hold garbage that no
/// product reads. The scores are the forward's, bit for bit.
/// </remarks>
internal unsafe struct AttentionBackward<V> : IJob where V : struct, IVec<V>
{
    public required HeadLayout<V> Layout;
    public required int Heads;
    public required float Scale;
    public required float* Qkv, Y, LogSumExp, Dy, Dqkv;
    public required bool Accumulate;

    /// <summary><see cref="ScratchSize"/> floats for each worker.</summary>
    public required float* Scratch;

    public static int ScratchSize(in HeadLayout<V> layout) =>
        (2 * layout.TransposedSize) + (4 * layout.RowsSize) + (2 * layout.BlockScoresSize) + (2 * layout.BlockRowsSize) + layout.BlockColumnSize;

    /// <summary>How samples and heads are dealt out, heads whole.</summary>
    public required HeadTasks Tasks;

    public readonly void Run(int task, int worker)
    {
        HeadRun run = Tasks.At(task, Layout.Tokens);
        for (int head = run.FirstHead; head < run.EndHead; head++)
            Run(head, run, Scratch + ((nint)worker * ScratchSize(Layout)));
    }

    private readonly void Run(int head, in HeadRun run, float* scratch)
    {
        int batch = head / Heads, tokens = Layout.Tokens, depth = Layout.Depth, width = Heads * depth, stride = 3 * width;
        nint offset = (head - (batch * Heads)) * depth;
        nint qkvOffset = ((nint)batch * tokens * stride) + offset, yOffset = ((nint)batch * tokens * width) + offset;
        float* source = Qkv + qkvOffset;
        float* target = Dqkv + qkvOffset;
        int keyStride = Layout.ScoreStride, rowStride = Layout.PaddedDepth;

        float* keysTransposed = scratch;
        float* valuesTransposed = keysTransposed + Layout.TransposedSize;
        float* queries = valuesTransposed + Layout.TransposedSize;
        float* keys = queries + Layout.RowsSize;
        float* dk = keys + Layout.RowsSize;
        float* dv = dk + Layout.RowsSize;
        float* p = dv + Layout.RowsSize;
        float* ds = p + Layout.BlockScoresSize;
        float* dy = ds + Layout.BlockScoresSize;
        float* dq = dy + Layout.BlockRowsSize;
        float* dots = dq + Layout.BlockRowsSize;

        Lookahead sources = default, targets = default, outputs = default, gradients = default;
        if (run.LooksAhead(batch, Heads))
        {
            nint next = (nint)(batch + 1) * tokens * width;
            long length = (long)tokens * width;
            int part = head - (batch * Heads);
            sources = new Lookahead(Qkv + (3 * next), 3 * length, part, Heads);
            targets = new Lookahead(Dqkv + (3 * next), 3 * length, part, Heads);
            outputs = new Lookahead(Y + next, length, part, Heads);
            gradients = new Lookahead(Dy + next, length, part, Heads);
        }

        HeadRows<V>.Pack(source, stride, tokens, depth, Scale, queries, rowStride);
        HeadRows<V>.Pack(source + width, stride, tokens, depth, Scale, keys, rowStride);
        Transposition<V>.Run(source + width, stride, tokens, depth, keysTransposed, keyStride);
        Transposition<V>.Run(source + (2 * width), stride, tokens, depth, valuesTransposed, keyStride);
        for (int i = 0; i < tokens; i += Layout.BlockRows)
        {
            int rows = Math.Min(Layout.BlockRows, tokens - i);
            float* queryBlock = queries + ((nint)i * rowStride);
            nint yBlock = yOffset + ((nint)i * width);
            HeadRows<V>.Pack(Dy + yBlock, width, rows, depth, 1f, dy, rowStride);
            HeadRows<V>.Dot(dy, rowStride, Y + yBlock, width, rows, depth, dots);
            TileProduct<V>.Run(queryBlock, rowStride, 1, keysTransposed, keyStride, p, keyStride, rows, Layout.PaddedTokens, depth, false, ref sources);
            TileProduct<V>.Run(dy, rowStride, 1, valuesTransposed, keyStride, ds, keyStride, rows, Layout.PaddedTokens, depth, false, ref targets);
            ScoreGradients(p, ds, keyStride, rows, Layout.PaddedTokens, LogSumExp + ((nint)head * tokens) + i, dots);

            bool isLater = i > 0;
            TileProduct<V>.Run(p, 1, keyStride, dy, rowStride, dv, rowStride, tokens, rowStride, rows, isLater, ref outputs);
            TileProduct<V>.Run(ds, 1, keyStride, queryBlock, rowStride, dk, rowStride, tokens, rowStride, rows, isLater, ref gradients);
            TileProduct<V>.Run(ds, keyStride, 1, keys, rowStride, dq, rowStride, rows, rowStride, tokens, false, ref targets);
            HeadRows<V>.Unpack(dq, rowStride, rows, depth, Accumulate, target + ((nint)i * stride), stride);
        }

        HeadRows<V>.Unpack(dk, rowStride, tokens, depth, Accumulate, target + width, stride);
        HeadRows<V>.Unpack(dv, rowStride, tokens, depth, Accumulate, target + (2 * width), stride);
    }

    /// <summary>p from scores to probabilities; ds from dP to p (dP - dot).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreGradients(float* p, float* ds, nint stride, int rows, int columns, float* logSumExp, float* dots)
    {
        for (int i = 0; i < rows; i++, p += stride, ds += stride)
        {
            V shift = V.Create(logSumExp[i]), dot = V.Create(dots[i]);
            for (int j = 0; j < columns; j += V.Count)
            {
                V probability = VectorMath<V>.Exp(V.Load(p + j) - shift);
                V.Store(probability, p + j);
                V.Store(probability * (V.Load(ds + j) - dot), ds + j);
            }
        }
    }
}
