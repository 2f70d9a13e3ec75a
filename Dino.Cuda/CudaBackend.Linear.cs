using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <remarks>Everything after the product is applied to each tile of it on its way to memory: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        if (y.Count == 0)
            return;
        MatMulArguments product = MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true);
        Multiply(product, LinearTail(product, bias, activation, preActivation, residual, factors));
    }

    private static TailArguments LinearTail(in MatMulArguments product, in View bias, Activation activation, in View preActivation, in View residual, in View factors)
    {
        bool areQuads = AreQuads(product.Y | bias.Address | preActivation.Address | residual.Address, product.StrideY);
        int rows = factors.Exists ? checked((int)(product.M / factors.Count)) : 1;
        return new TailArguments(
            product.Y, preActivation.Address, bias.Address, residual.Address, factors.Address, product.StrideY, 1, residual.Exists ? 1 : 0, product.N, rows, (uint)activation, IsAligned(areQuads));
    }
}
