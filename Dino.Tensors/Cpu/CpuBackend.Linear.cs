using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

internal sealed unsafe partial class CpuBackend<V>
{
    /// <remarks>Everything after the product is applied to each tile of it while it is in L1: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        Product product = new(MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true));
        LinearTail tail = new()
        {
            Y = y.F32, Stride = y.Columns, Bias = bias.F32, PreActivation = preActivation.F32, Residual = residual.F32,
            Factors = factors.F32, RowsPerFactor = factors.Exists ? checked((int)(x.Rows / factors.Count)) : 1,
        };
        if (activation == Activation.Gelu)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, GeluActivation<V>>(tail, default));
        else if (activation == Activation.Relu)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, ReluActivation<V>>(tail, default));
        else if (tail.IsWanted)
            Multiply(product, new LinearEpilogue<V, FloatSums<V>, IdentityActivation<V>>(tail, default));
        else
            Multiply(product, default(NoEpilogue));
    }
}
