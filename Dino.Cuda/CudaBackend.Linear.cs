using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <remarks>Everything after the product is applied to each tile of it on its way to memory: y is written once and not read again.</remarks>
    public override void Linear(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        RequireF32(nameof(Linear), weight.DType);
        Layer(x, weight, bias, activation, preActivation, y, residual, factors);
    }

    /// <remarks>A weight in BF16 is multiplied as it is where products round to that anyway; the others are made F32 first.</remarks>
    public override void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y)
    {
        RequireInner(nameof(PackedLinear), x.DType);
        if (weight.Format == WeightFormat.BF16 && InnerType == DType.BF16)
        {
            Layer(x, new View(weight.Address, DType.BF16, [weight.Outputs, weight.Inputs]), bias, activation, View.None, y, residual, View.None);
            return;
        }

        if (weight.Format != WeightFormat.I8 || x.DType == DType.F32)
        {
            base.PackedLinear(x, weight, bias, activation, residual, y);
            return;
        }

        // Rows are measured in F32 before they are stored as integers.
        using ScratchFrame scratch = OpenScratch();
        View widened = scratch.Take(x.Shape);
        Cast(x, widened);
        base.PackedLinear(widened, weight, bias, activation, residual, y);
    }

    private void Layer(in View x, in View weight, in View bias, Activation activation, in View preActivation, in View y, in View residual, in View factors)
    {
        RequireInner(nameof(Linear), x.DType);
        RequireInner(nameof(Linear), y.DType);
        RequireInner(nameof(Linear), preActivation.DType);
        RequireF32(nameof(Linear), bias.DType | residual.DType | factors.DType);
        if (y.DType != DType.F32 && (residual.Exists || factors.Exists))
            throw new NotSupportedException($"Linear: a result with a residual or factors is F32, not {y.DType}.");
        if (y.Count == 0)
            return;
        MatMulArguments product = MatMulArguments.Single(x.Address, weight.Address, y.Address, checked((int)x.Rows), y.Columns, x.Columns, transposeB: true) with
        {
            TypeA = x.DType, TypeB = weight.DType, TypeY = y.DType,
        };
        TailArguments tail = LinearTail(product, bias, activation, preActivation, residual, factors);
        if (!TryLinearByLibrary(product, tail))
            Multiply(product, tail);
    }

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
