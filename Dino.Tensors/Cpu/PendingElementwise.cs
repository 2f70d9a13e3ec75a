using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
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
