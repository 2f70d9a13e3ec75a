using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Products by NVIDIA's library, where it is there and takes them.</summary>
internal sealed unsafe partial class CudaBackend
{
    /// <summary>y = alpha · product + beta · c + bias, if the library computes that.</summary>
    /// <param name="x">The product; its own beta does not count.</param>
    /// <param name="bias">A bias for every row, or 0.</param>
    /// <param name="c">Laid out like y, which it may be; not read where beta is 0.</param>
    /// <param name="beta">Factor of c.</param>
    private bool TryMultiplyByLibrary(in MatMulArguments x, nint bias, nint c, float beta)
    {
        if (library is null || x.K == 0 || bias % 16 != 0)
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
        LibraryProductShape shape = new(
            x.M, x.N, x.K, x.TransposeA, x.TransposeB, x.StrideA, x.StrideB, x.StrideY, batch, a, b, y, bias != 0,
            Alignment(x.A), Alignment(x.B), Alignment(c), Alignment(x.Y));
        if (library.Find(shape) is not { } plan)
            return false;
        _queue.Multiply(new LibraryProduct(library, plan, x.A, x.B, c, x.Y, bias, x.Alpha, beta));
        return true;
    }

    /// <summary>A linear layer as a product by the library and, where it has more than a bias and a residual, a pass over its result.</summary>
    private bool TryLinearByLibrary(in MatMulArguments product, in TailArguments tail)
    {
        bool isWhole = tail is { Activation: 0, Factors: 0, PreActivation: 0 };
        nint target = tail.PreActivation != 0 ? tail.PreActivation : tail.Y;
        if (isWhole)
            return TryMultiplyByLibrary(product, tail.Bias, tail.Residual != 0 ? tail.Residual : target, tail.Beta);
        if (tail.Residual == target || !TryMultiplyByLibrary(product with { Y = target }, tail.Bias, target, 0))
            return false;
        AddParts(target, 0, product.StrideY, 1, product.M, tail with { Bias = 0, PreActivation = 0 });
        return true;
    }

    /// <summary>Bytes on which an address lies, as far as algorithms care.</summary>
    private static byte Alignment(nint address) => (address & 15) == 0 ? (byte)16 : (address & 7) == 0 ? (byte)8 : (byte)4;
}
