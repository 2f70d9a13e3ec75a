using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void MatMul(in MatMulArguments arguments) => throw new NotSupportedException("pending");
}
