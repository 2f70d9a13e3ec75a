using Dino.Tensors.Backends;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors.Cpu;

internal sealed unsafe partial class CpuBackend<V>
{
    /// <remarks>Bias and activation are applied to each tile of the product while it is in L1: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y)
    {
        Product product = new(MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true));
        float* shift = bias.F32, kept = preActivation.F32;
        if (activation == Activation.Gelu)
            Multiply(product, new LinearEpilogue<V, GeluActivation<V>>(shift, kept));
        else if (activation == Activation.Relu)
            Multiply(product, new LinearEpilogue<V, ReluActivation<V>>(shift, kept));
        else if (shift != null || kept != null)
            Multiply(product, new LinearEpilogue<V, IdentityActivation<V>>(shift, kept));
        else
            Multiply(product, default(NoEpilogue));
    }
}
