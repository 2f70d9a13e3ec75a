using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Attention that never stores scores.</summary>
internal sealed unsafe partial class CpuBackend<V>
{
    public override void Attention(in View qkv, float scale, in View y, in View logSumExp, in View probabilities)
    {
        PackedHeads heads = new(qkv, y, logSumExp, probabilities);
        HeadLayout<V> layout = new(heads, scoreMatrices: 1);
        if (heads.Batch * heads.Heads * heads.Tokens == 0)
            return;

        HeadTasks tasks = new(heads.Batch, heads.Heads, heads.Tokens, Workers.Threads, layout.BlockRows);
        using ScratchFrame scratch = OpenScratch();
        AttentionForward<V> job = new()
        {
            Layout = layout, Heads = heads.Heads, Tasks = tasks, Scale = scale,
            Qkv = qkv.F32, Y = y.F32, LogSumExp = logSumExp.F32, Probabilities = probabilities.F32,
            Scratch = scratch.Take([Workers.Threads, AttentionForward<V>.ScratchSize(layout)]).F32,
        };
        Workers.Run(tasks.Count, ref job);
    }

    public override void AttentionBackward(in View qkv, float scale, in View y, in View logSumExp, in View dy, in Destination dqkv)
    {
        PackedHeads heads = new(qkv, y, logSumExp, View.None);
        if (!dqkv.IsWanted || heads.Batch * heads.Heads * heads.Tokens == 0)
            return;

        HeadLayout<V> layout = new(heads, scoreMatrices: 2);
        HeadTasks tasks = new(heads.Batch, heads.Heads, heads.Tokens, Workers.Threads, blockRows: 0);
        using ScratchFrame scratch = OpenScratch();
        AttentionBackward<V> job = new()
        {
            Layout = layout, Heads = heads.Heads, Tasks = tasks, Scale = scale,
            Qkv = qkv.F32, Y = y.F32, LogSumExp = logSumExp.F32, Dy = dy.F32, Dqkv = dqkv.View.F32, Accumulate = dqkv.Accumulate,
            Scratch = scratch.Take([Workers.Threads, AttentionBackward<V>.ScratchSize(layout)]).F32,
        };
        Workers.Run(tasks.Count, ref job);
    }
}
