using Dino.Cuda.Native;

namespace Dino.Cuda.Execution;

/// <summary>All that decides how the library computes a batch of products y = alpha · op(a) · op(b) + beta · c of row-major matrices.</summary>
/// <param name="M">Rows of y.</param>
/// <param name="N">Columns of y.</param>
/// <param name="K">The summed length.</param>
/// <param name="TransposeA">a is stored [K, M].</param>
/// <param name="TransposeB">b is stored [N, K].</param>
/// <param name="StrideA">Elements between stored rows of a.</param>
/// <param name="StrideB">Elements between stored rows of b.</param>
/// <param name="StrideY">Elements between rows of y and c.</param>
/// <param name="Batch">Number of products.</param>
/// <param name="BatchStrideA">Elements between matrices a.</param>
/// <param name="BatchStrideB">Elements between matrices b.</param>
/// <param name="BatchStrideY">Elements between matrices y and c.</param>
/// <param name="HasBias">A bias [N] is added to every row.</param>
/// <param name="AlignmentA">Bytes on which a lies.</param>
/// <param name="AlignmentB">Bytes on which b lies.</param>
/// <param name="AlignmentC">Bytes on which c lies.</param>
/// <param name="AlignmentY">Bytes on which y lies.</param>
/// <param name="Operands">Element type of a and b.</param>
/// <param name="Result">Element type of y, c and the bias.</param>
internal readonly record struct LibraryProductShape(
    int M, int N, int K, bool TransposeA, bool TransposeB, int StrideA, int StrideB, int StrideY, int Batch, long BatchStrideA, long BatchStrideB, long BatchStrideY,
    bool HasBias, byte AlignmentA, byte AlignmentB, byte AlignmentC, byte AlignmentY, CudaDataType Operands, CudaDataType Result);

/// <summary>One call of the library.</summary>
/// <param name="Library">The library.</param>
/// <param name="Plan">How it computes.</param>
/// <param name="A">First element of a.</param>
/// <param name="B">First element of b.</param>
/// <param name="C">First element of c, which may be y; not read where beta is 0.</param>
/// <param name="Y">First element of y.</param>
/// <param name="Bias">First element of the bias, or 0.</param>
/// <param name="Alpha">Factor of the product.</param>
/// <param name="Beta">Factor of c.</param>
internal readonly record struct LibraryProduct(CublasLt Library, CublasLt.Plan Plan, nint A, nint B, nint C, nint Y, nint Bias, float Alpha, float Beta);
