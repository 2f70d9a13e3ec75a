using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    public override void Reduce(ReduceOp op, in View x, in Destination y) => throw new NotSupportedException("Reduce");
    public override void ArgReduce(bool largest, in View x, in View y) => throw new NotSupportedException("ArgReduce");
    public override void TopK(in View x, in View values, in View indices) => throw new NotSupportedException("TopK");
}
