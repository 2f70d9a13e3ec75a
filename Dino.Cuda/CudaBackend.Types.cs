using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Element types that kernels take. What they do not take is refused: they would misread it.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>Refuses operands that are not F32.</summary>
    /// <param name="types">The types of all operands, joined by OR: F32 is 0, and what is absent has it.</param>
    private static void RequireF32(string operation, DType types)
    {
        if (types != DType.F32)
            throw new NotSupportedException($"{operation} takes F32 only on a CUDA device. Cast its operands first.");
    }

    /// <summary>Refuses an operand that is neither F32 nor of the inner type.</summary>
    private void RequireInner(string operation, DType type)
    {
        if (type != DType.F32 && type != InnerType)
            throw new NotSupportedException($"{operation} does not take {type} on a CUDA device that multiplies in {precision}, only {(InnerType == DType.F32 ? "F32" : $"F32 or {InnerType}")}.");
    }

    /// <summary>Refuses operands that have not one type, which is F32 or the inner one. What is absent has any.</summary>
    private void RequireAlike(string operation, DType type, params ReadOnlySpan<View> operands)
    {
        RequireInner(operation, type);
        foreach (ref readonly View operand in operands)
        {
            if (operand.Exists && operand.DType != type)
                throw new NotSupportedException($"{operation} takes operands of one type on a CUDA device, not {type} and {operand.DType}.");
        }
    }

    /// <summary>An address by whose lowest bits four elements can be moved at once if they are 0: those of smaller elements may lie on fewer bytes.</summary>
    private static nint Spread(in View view) => view.Address * (sizeof(float) / view.DType.Size());
}
