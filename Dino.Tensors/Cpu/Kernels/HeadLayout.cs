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
