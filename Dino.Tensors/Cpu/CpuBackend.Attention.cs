using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Attention that never stores scores.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        PackedHeads heads = new(qkv, y, logSumExp, probabilities);
        HeadLayout<V> layout = new(heads, scoreMatrices: 1);
        int count = heads.Batch * heads.Heads;
        if (count == 0 || heads.Tokens == 0)
            return;

        // A few heads are cut by whole blocks into more tasks; rows do not depend on the cut, so it may follow the thread count.
        int blocks = (heads.Tokens + layout.BlockRows - 1) / layout.BlockRows;
        int pieces = Workers.Threads == 1 ? 1 : Math.Clamp(2 * Workers.Threads / count, 1, blocks);
        int pieceRows = (blocks + pieces - 1) / pieces * layout.BlockRows;
        pieces = (heads.Tokens + pieceRows - 1) / pieceRows;

        using ScratchFrame scratch = OpenScratch();
        AttentionForward<V> job = new()
        {
            Layout = layout, Heads = heads.Heads, Pieces = pieces, PieceRows = pieceRows, Scale = scale,
            Qkv = qkv.F32, Y = y.F32, LogSumExp = logSumExp.F32, Probabilities = probabilities.F32,
            Scratch = scratch.Take([Workers.Threads, AttentionForward<V>.ScratchSize(layout)]).F32,
        };
        Workers.Run(count * pieces, ref job);
    }

    public override void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        PackedHeads heads = new(qkv, y, logSumExp, View.None);
        if (!dqkv.IsWanted || heads.Batch * heads.Heads * heads.Tokens == 0)
            return;

        HeadLayout<V> layout = new(heads, scoreMatrices: 2);
        using ScratchFrame scratch = OpenScratch();
        AttentionBackward<V> job = new()
        {
            Layout = layout, Heads = heads.Heads, Scale = scale,
            Qkv = qkv.F32, Y = y.F32, LogSumExp = logSumExp.F32, Dy = dy.F32, Dqkv = dqkv.View.F32, Accumulate = dqkv.Accumulate,
            Scratch = scratch.Take([Workers.Threads, AttentionBackward<V>.ScratchSize(layout)]).F32,
        };
        Workers.Run(heads.Batch * heads.Heads, ref job);
    }
}
