using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>
/// y [B, N, H·D] = softmax(scale q kᵀ) v over packed qkv [B, N, 3, H, D]; logSumExp [B, H, N]; probabilities [B, H, N, N] on request.
/// A task is a run of samples, or some queries of one head.
/// </summary>
/// <remarks>
/// Per head, keys are transposed and values packed once. Per query block: scores (lanes are keys), row softmax while they are in the
/// first-level cache, product with the values (lanes are depth); 1/Σ is applied to the output. Keys in the padding are masked out of the
/// sum and not multiplied. A row's bits do not depend on its task or block. Accuracy: each score and output is one chain of D or N
/// multiply-adds, exp 1 ulp; see AttentionTests.
/// </remarks>
internal unsafe struct AttentionForward<V> : IJob where V : struct, IVec<V>
{
    public required HeadLayout<V> Layout;
    public required int Heads;

    /// <summary>How samples and heads are dealt out.</summary>
    public required HeadTasks Tasks;
    public required float Scale;
    public required float* Qkv, Y, LogSumExp;

    /// <summary>Null when nobody wants them.</summary>
    public required float* Probabilities;

    /// <summary><see cref="ScratchSize"/> floats for each worker.</summary>
    public required float* Scratch;

    public static int ScratchSize(in HeadLayout<V> layout) =>
        layout.TransposedSize + layout.RowsSize + layout.BlockScoresSize + (2 * layout.BlockRowsSize) + ((2 + V.Count) * layout.BlockColumnSize);

    public readonly void Run(int task, int worker)
    {
        HeadRun run = Tasks.At(task, Layout.Tokens);
        for (int head = run.FirstHead; head < run.EndHead; head++)
            Run(head, run, Scratch + ((nint)worker * ScratchSize(Layout)));
    }

    private readonly void Run(int head, in HeadRun run, float* scratch)
    {
        int batch = head / Heads;
        int tokens = Layout.Tokens, depth = Layout.Depth, width = Heads * depth, stride = 3 * width;
        float* query = Qkv + ((nint)batch * tokens * stride) + ((head - (batch * Heads)) * depth);
        float* y = Y + ((nint)batch * tokens * width) + ((head - (batch * Heads)) * depth);

        float* keys = scratch;
        float* values = keys + Layout.TransposedSize;
        float* scores = values + Layout.RowsSize;
        float* queries = scores + Layout.BlockScoresSize;
        float* output = queries + Layout.BlockRowsSize;
        float* maxima = output + Layout.BlockRowsSize;
        float* sums = maxima + Layout.BlockColumnSize;
        float* lanes = sums + Layout.BlockColumnSize;

        Lookahead sources = default, targets = default;
        if (run.LooksAhead(batch, Heads))
        {
            sources = new Lookahead(Qkv + ((nint)(batch + 1) * tokens * stride), (long)tokens * stride, head - (batch * Heads), Heads);
            targets = new Lookahead(Y + ((nint)(batch + 1) * tokens * width), (long)tokens * width, head - (batch * Heads), Heads);
        }

        Transposition<V>.Run(query + width, stride, tokens, depth, keys, Layout.ScoreStride);
        HeadRows<V>.Pack(query + (2 * width), stride, tokens, depth, 1f, values, Layout.PaddedDepth);
        for (int i = run.FirstRow; i < run.EndRow; i += Layout.BlockRows)
        {
            int rows = Math.Min(Layout.BlockRows, run.EndRow - i);
            HeadRows<V>.Pack(query + ((nint)i * stride), stride, rows, depth, Scale, queries, Layout.PaddedDepth);
            TileProduct<V>.Run(queries, Layout.PaddedDepth, 1, keys, Layout.ScoreStride, scores, Layout.ScoreStride, rows, Layout.PaddedTokens, depth, false, ref sources);
            LaneMaxima(scores, Layout.ScoreStride, rows, tokens, lanes);
            LaneFolds<V>.Max(lanes, rows, maxima);
            Exponentials(scores, Layout.ScoreStride, rows, tokens, maxima, lanes);
            LaneFolds<V>.Sum(lanes, rows, sums);
            Finish(maxima, sums, rows, LogSumExp + ((nint)head * tokens) + i);
            TileProduct<V>.Run(scores, Layout.ScoreStride, 1, values, Layout.PaddedDepth, output, Layout.PaddedDepth, rows, Layout.PaddedDepth, tokens, false, ref targets);
            HeadRows<V>.UnpackScaled(output, Layout.PaddedDepth, rows, depth, sums, y + ((nint)i * width), width);
            if (Probabilities != null)
                HeadRows<V>.UnpackScaled(scores, Layout.ScoreStride, rows, tokens, sums, Probabilities + ((((nint)head * tokens) + i) * tokens), tokens);
        }
    }

    /// <summary>lanes [rows, vector] = largest score of each row, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LaneMaxima(float* scores, nint stride, int rows, int tokens, float* lanes)
    {
        int whole = tokens - (tokens % V.Count);
        V isKey = Lanes<V>.First(tokens - whole), lowest = V.Create(float.NegativeInfinity);
        for (int i = 0; i < rows; i++, scores += stride, lanes += V.Count)
        {
            V largest = lowest;
            for (int j = 0; j < whole; j += V.Count)
                largest = V.Max(largest, V.Load(scores + j));
            if (whole < tokens)
                largest = V.Max(largest, V.Select(isKey, V.Load(scores + whole), lowest));
            V.Store(largest, lanes);
        }
    }

    /// <summary>Scores to exp(score - largest of the row); lanes [rows, vector] = sum of each row, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentials(float* scores, nint stride, int rows, int tokens, float* maxima, float* lanes)
    {
        int whole = tokens - (tokens % V.Count);
        V isKey = Lanes<V>.First(tokens - whole);
        for (int i = 0; i < rows; i++, scores += stride, lanes += V.Count)
        {
            V shift = V.Create(maxima[i]), sum = V.Zero;
            for (int j = 0; j < whole; j += V.Count)
            {
                V e = VectorMath<V>.Exp(V.Load(scores + j) - shift);
                sum += e;
                V.Store(e, scores + j);
            }

            if (whole < tokens)
            {
                V e = V.Select(isKey, VectorMath<V>.Exp(V.Load(scores + whole) - shift), V.Zero);
                sum += e;
                V.Store(e, scores + whole);
            }

            V.Store(sum, lanes);
        }
    }

    /// <summary>Writes the log-sum-exps; leaves 1/Σ in place of the sums. Lanes are queries; those beyond the block are computed and dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish(float* maxima, float* sums, int rows, float* logSumExp)
    {
        for (int i = 0; i < rows; i += V.Count)
        {
            V sum = V.Load(sums + i);
            V.StorePartial(V.Load(maxima + i) + VectorMath<V>.Log(sum), logSumExp + i, Math.Min(V.Count, rows - i));
            V.Store(V.Create(1f) / sum, sums + i);
        }
    }
}
