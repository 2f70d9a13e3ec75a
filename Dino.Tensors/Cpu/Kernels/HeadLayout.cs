using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>How one head of attention lies in the scratch memory of a worker: row strides in whole vectors, and rows of a query block.</summary>
internal readonly struct HeadLayout<V> where V : struct, IVec<V>
{
    /// <summary>Scores of a query block that stay in a first-level cache of 32 to 48 KiB beside a panel of keys.</summary>
    private const int BlockBytes = 24 << 10;

    /// <summary>Fewer rows would read the keys from the second-level cache for too few products; 24 is whole tiles of 6 and of 8.</summary>
    private const int LeastRows = 24;

    public HeadLayout(in Backend.PackedHeads heads, int scoreMatrices)
    {
        Tokens = heads.Tokens;
        Depth = heads.Depth;
        PaddedTokens = Pad(Tokens);
        PaddedDepth = Pad(Depth);

        // A stride of a multiple of 2 KiB would put all rows of a panel into a few sets of the cache.
        ScoreStride = PaddedTokens % 512 == 0 ? PaddedTokens + V.Count : PaddedTokens;
        int rows = BlockBytes / (sizeof(float) * ScoreStride * scoreMatrices);
        BlockRows = Math.Min(Math.Max(rows, LeastRows) / LeastRows * LeastRows, Tokens);
    }

    /// <summary>N.</summary>
    public int Tokens { get; }

    /// <summary>D.</summary>
    public int Depth { get; }

    /// <summary>N in whole vectors.</summary>
    public int PaddedTokens { get; }

    /// <summary>D in whole vectors: the row stride of what is packed by tokens.</summary>
    public int PaddedDepth { get; }

    /// <summary>Row stride of scores and of transposed keys.</summary>
    public int ScoreStride { get; }

    /// <summary>Queries handled together.</summary>
    public int BlockRows { get; }

    /// <summary>Floats of [D, N].</summary>
    public int TransposedSize => Depth * ScoreStride;

    /// <summary>Floats of [N, D].</summary>
    public int RowsSize => Tokens * PaddedDepth;

    /// <summary>Floats of one query block of scores.</summary>
    public int BlockScoresSize => BlockRows * ScoreStride;

    /// <summary>Floats of one query block of activations.</summary>
    public int BlockRowsSize => BlockRows * PaddedDepth;

    /// <summary>Floats of one number a query of a block.</summary>
    public int BlockColumnSize => Pad(BlockRows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pad(int count) => (count + V.Count - 1) / V.Count * V.Count;
}

/// <summary>Moves rows of a head between packed tensors and scratch memory. Lanes are columns; tails are partial on the tensor's side and zeros in scratch.</summary>
internal static unsafe class HeadRows<V> where V : struct, IVec<V>
{
    /// <summary>y [rows, whole vectors] = factor · x [rows, columns], zeros beyond the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(float* x, nint ldx, int rows, int columns, float factor, float* y, nint ldy)
    {
        V scale = V.Create(factor);
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(V.Load(x + j) * scale, y + j);
            if (j < columns)
                V.Store(V.LoadPartial(x + j, columns - j) * scale, y + j);
        }
    }

    /// <summary>y [rows, columns] = x, or += x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(float* x, nint ldx, int rows, int columns, bool accumulate, float* y, nint ldy)
    {
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(accumulate ? V.Load(y + j) + V.Load(x + j) : V.Load(x + j), y + j);
            if (j < columns)
                V.StorePartial(accumulate ? V.LoadPartial(y + j, columns - j) + V.Load(x + j) : V.Load(x + j), y + j, columns - j);
        }
    }

    /// <summary>y [rows, columns] = x, each row times its factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackScaled(float* x, nint ldx, int rows, int columns, float* factors, float* y, nint ldy)
    {
        for (int i = 0; i < rows; i++, x += ldx, y += ldy)
        {
            V factor = V.Create(factors[i]);
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                V.Store(V.Load(x + j) * factor, y + j);
            if (j < columns)
                V.StorePartial(V.Load(x + j) * factor, y + j, columns - j);
        }
    }

    /// <summary>sums [rows] = Σ a · b of each row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot(float* a, nint lda, float* b, nint ldb, int rows, int columns, float* sums)
    {
        for (int i = 0; i < rows; i++, a += lda, b += ldb)
        {
            V sum = V.Zero;
            int j = 0;
            for (; j + V.Count <= columns; j += V.Count)
                sum = V.MultiplyAdd(V.Load(a + j), V.Load(b + j), sum);
            if (j < columns)
                sum = V.MultiplyAdd(V.LoadPartial(a + j, columns - j), V.LoadPartial(b + j, columns - j), sum);
            sums[i] = V.Sum(sum);
        }
    }
}
