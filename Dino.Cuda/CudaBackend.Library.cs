using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Products by NVIDIA's library, where it is there and takes them.</summary>
/// <remarks>
/// In BF16 the library is given operands of that type: what is F32 is rounded into scratch memory first, once for all tiles that read it. A bias has the type of
/// the result there, so that of a BF16 result is rounded too.
/// </remarks>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>y = alpha · product + beta · c + bias, if the library computes that.</summary>
    /// <param name="x">The product; its own beta does not count.</param>
    /// <param name="bias">A bias for every row, or 0.</param>
    /// <param name="c">Laid out like y, which it may be, and of its type; not read where beta is 0.</param>
    /// <param name="beta">Factor of c.</param>
    private bool TryMultiplyByLibrary(in MatMulArguments x, nint bias, nint c, float beta)
    {
        bool roundsBias = bias != 0 && x.TypeY != DType.F32;
        if (library is null || x.K == 0 || (InnerType == DType.F32 && (x.TypeA | x.TypeB) != DType.F32) || (bias % 16 != 0 && !roundsBias))
            return false;
        // Rows of a stored matrix that overlap are no matrix to the library.
        if (x.StrideA < (x.TransposeA ? x.M : x.K) || x.StrideB < (x.TransposeB ? x.K : x.N) || x.StrideY < x.N)
            return false;
        (int batch, long a, long b, long y) = x.InnerBatch == 1
            ? (x.OuterBatch, x.OuterStrideA, x.OuterStrideB, x.OuterStrideY)
            : (checked(x.OuterBatch * x.InnerBatch), x.InnerStrideA, x.InnerStrideB, x.InnerStrideY);
        // Two axes of the batch have to be one.
        if (x.InnerBatch > 1 && x.OuterBatch > 1 && (x.OuterStrideA != x.InnerBatch * a || x.OuterStrideB != x.InnerBatch * b || x.OuterStrideY != x.InnerBatch * y))
            return false;
        if (batch == 1)
            (a, b, y) = (0, 0, 0);
        int roundedA = 0, roundedB = 0;
        if (InnerType != DType.F32 && !(TryCountRounded(x.TypeA, x.M, x.K, x.TransposeA, x.StrideA, batch, a, out roundedA)
            && TryCountRounded(x.TypeB, x.K, x.N, x.TransposeB, x.StrideB, batch, b, out roundedB)))
            return false;
        LibraryProductShape shape = new(
            x.M, x.N, x.K, x.TransposeA, x.TransposeB, x.StrideA, x.StrideB, x.StrideY, batch, a, b, y, bias != 0,
            roundedA > 0 ? MostAlignment : Alignment(x.A), roundedB > 0 ? MostAlignment : Alignment(x.B), Alignment(c), Alignment(x.Y), LibraryType(InnerType), LibraryType(x.TypeY));
        if (library.Find(shape) is not { } plan)
            return false;
        using ScratchFrame scratch = OpenScratch();
        nint first = Rounded(x.A, roundedA, scratch), second = Rounded(x.B, roundedB, scratch), shift = Rounded(bias, roundsBias ? x.N : 0, scratch);
        _queue.Multiply(new LibraryProduct(library, plan, first, second, c, x.Y, shift, x.Alpha, beta));
        return true;
    }

    /// <summary>A linear layer as a product by the library and, where it has more than a bias and a residual, a pass over its result.</summary>
    /// <remarks>A BF16 result is rounded before its activation as well as after it: y is the activation of what preActivation holds, which its gradient reads.</remarks>
    private bool TryLinearByLibrary(in MatMulArguments product, in TailArguments tail)
    {
        bool isWhole = tail is { Activation: 0, Factors: 0, PreActivation: 0 };
        (nint target, InnerOperands inner) = tail.PreActivation != 0 ? (tail.PreActivation, InnerOperands.PreActivation) : (tail.Y, InnerOperands.Y);
        if (isWhole)
            return TryMultiplyByLibrary(product, tail.Bias, tail.Residual != 0 ? tail.Residual : target, tail.Beta);
        DType type = (tail.Inner & inner) != 0 ? DType.BF16 : DType.F32;
        if (tail.Residual == target || !TryMultiplyByLibrary(product with { Y = target, TypeY = type }, tail.Bias, target, 0))
            return false;
        AddParts(target, type, 0, product.StrideY, 1, product.M, tail with { Bias = 0, PreActivation = 0 });
        return true;
    }

    /// <summary>Counts the elements of an operand that have to be rounded: from its first to its last, if little lies between its rows.</summary>
    /// <param name="count">0 where they have the type already.</param>
    private bool TryCountRounded(DType type, int rows, int columns, bool isTransposed, int stride, int batch, long batchStride, out int count)
    {
        (int lines, int length) = isTransposed ? (columns, rows) : (rows, columns);
        long span = ((long)(lines - 1) * stride) + length + ((batch - 1) * batchStride), elements = (long)lines * length * (batchStride == 0 ? 1 : batch);
        count = type == InnerType ? 0 : (int)Math.Clamp(span, 0, int.MaxValue);
        return type == InnerType || (span > 0 && span <= Math.Min(2 * elements, int.MaxValue));
    }

    /// <summary>A copy of F32 elements in the inner type; where there are none to round, the address itself.</summary>
    private nint Rounded(nint address, int count, in ScratchFrame scratch)
    {
        if (count == 0)
            return address;
        View rounded = scratch.Take([count], InnerType);
        Cast(new View(address, DType.F32, [count]), rounded);
        return rounded.Address;
    }

    private static CudaDataType LibraryType(DType type) => type == DType.F32 ? CudaDataType.F32 : CudaDataType.BF16;

    /// <summary>Bytes on which scratch memory lies, as far as algorithms care.</summary>
    private const byte MostAlignment = 16;

    /// <summary>Bytes on which an address lies, as far as algorithms care.</summary>
    private static byte Alignment(nint address) => (byte)UnitBytes(address);
}
