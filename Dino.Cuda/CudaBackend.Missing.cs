using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    public override void Copy(in View x, in View y) => throw new NotSupportedException("Copy");
    public override void CopyStrided(in StridedView x, in StridedView y, bool accumulate) => throw new NotSupportedException("CopyStrided");
    public override void Cast(in View x, in View y) => throw new NotSupportedException("Cast");
    public override void RandomUniform(in View y, RandomKey key, float low, float high) => throw new NotSupportedException("RandomUniform");
    public override void RandomNormal(in View y, RandomKey key, float mean, float deviation) => throw new NotSupportedException("RandomNormal");
    public override void Unary(UnaryOp op, in View x, in View y, float a, float b) => throw new NotSupportedException("Unary");
    public override void UnaryBackward(UnaryOp op, in View x, in View y, in View dy, in Destination dx, float a, float b) => throw new NotSupportedException("UnaryBackward");
    public override void Binary(BinaryOp op, in View a, in View b, in View y, Broadcast broadcast) => throw new NotSupportedException("Binary");
    public override void Axpby(float alpha, in View x, float beta, in View y) => throw new NotSupportedException("Axpby");
    public override void Reduce(ReduceOp op, in View x, in Destination y) => throw new NotSupportedException("Reduce");
    public override void ArgReduce(bool largest, in View x, in View y) => throw new NotSupportedException("ArgReduce");
    public override void TopK(in View x, in View values, in View indices) => throw new NotSupportedException("TopK");
    public override void GatherRows(in View x, in View indices, in View y) => throw new NotSupportedException("GatherRows");
    public override void ScatterAddRows(in View x, in View indices, in View y) => throw new NotSupportedException("ScatterAddRows");
    public override void Im2Col(in View x, in Window window, in View y) => throw new NotSupportedException("Im2Col");
    public override void Col2Im(in View dy, in Window window, in Destination dx) => throw new NotSupportedException("Col2Im");
    public override void Pool(PoolOp op, in View x, in Window window, in View y) => throw new NotSupportedException("Pool");
    public override void PoolBackward(PoolOp op, in View x, in View dy, in Window window, in Destination dx) => throw new NotSupportedException("PoolBackward");
}
