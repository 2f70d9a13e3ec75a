using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void Fill(in View y, float value) => throw new NotSupportedException("pending");
    public override void Copy(in View x, in View y) => throw new NotSupportedException("pending");
    public override void CopyStrided(in StridedView x, in StridedView y, bool accumulate) => throw new NotSupportedException("pending");
    public override void Cast(in View x, in View y) => throw new NotSupportedException("pending");
    public override void RandomUniform(in View y, RandomKey key, float low, float high) => throw new NotSupportedException("pending");
    public override void RandomNormal(in View y, RandomKey key, float mean, float deviation) => throw new NotSupportedException("pending");
    public override void Reduce(ReduceOp op, in View x, in Destination y) => throw new NotSupportedException("pending");
    public override void ArgReduce(bool largest, in View x, in View y) => throw new NotSupportedException("pending");
    public override void TopK(in View x, in View values, in View indices) => throw new NotSupportedException("pending");
    public override void GatherRows(in View x, in View indices, in View y) => throw new NotSupportedException("pending");
    public override void ScatterAddRows(in View x, in View indices, in View y) => throw new NotSupportedException("pending");
    public override void Im2Col(in View x, in Window window, in View y) => throw new NotSupportedException("pending");
    public override void Col2Im(in View dy, in Window window, in Destination dx) => throw new NotSupportedException("pending");
    public override void Pool(PoolOp op, in View x, in Window window, in View y) => throw new NotSupportedException("pending");
    public override void PoolBackward(PoolOp op, in View x, in View dy, in Window window, in Destination dx) => throw new NotSupportedException("pending");
}
