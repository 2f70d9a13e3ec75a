using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <remarks>Everything after the product is applied to each tile of it on its way to memory: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        RequireInner(nameof(Linear), x.DType);
        RequireInner(nameof(Linear), y.DType);
        RequireInner(nameof(Linear), preActivation.DType);
        RequireInner(nameof(Linear), weight.DType);
        RequireF32(nameof(Linear), bias.DType | residual.DType | factors.DType);
        if (y.DType != DType.F32 && (residual.Exists || factors.Exists))
            throw new NotSupportedException($"Linear: a result with a residual or factors is F32, not {y.DType}.");
        if (y.Count == 0)
            return;
        MatMulArguments product = LinearProduct(x, weight, y);
        TailArguments tail = LinearTail(product, bias, activation, preActivation, residual, factors);
        if (!TryLinearByLibrary(product, tail))
            Multiply(product, tail);
    }

    private static MatMulArguments LinearProduct(in View x, in View weight, in View y) =>
        MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true) with
        {
            TypeA = x.DType, TypeB = weight.DType, TypeY = y.DType,
        };

    private static TailArguments LinearTail(in MatMulArguments product, in View bias, Activation activation, in View preActivation, in View residual, in View factors)
    {
        bool areQuads = AreQuads(product.Y, product.TypeY, product.StrideY) && AreQuads(preActivation.Address, preActivation.DType, 0)
            && AreQuads(bias.Address | residual.Address, DType.F32, 0);
        int rows = factors.Exists ? checked((int)(product.M / factors.Count)) : 1;
        InnerOperands inner = (product.TypeY != DType.F32 ? InnerOperands.Y : 0) | (preActivation.DType != DType.F32 ? InnerOperands.PreActivation : 0);
        return new TailArguments(
            product.Y, preActivation.Address, bias.Address, residual.Address, factors.Address, product.StrideY, 1, residual.Exists ? 1 : 0, product.N, rows, (uint)activation,
            IsAligned(areQuads), inner);
    }
}
