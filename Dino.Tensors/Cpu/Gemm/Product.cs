using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>
/// The operands of a batch of products in the form that kernels use: a transpose is only a choice of strides. Element (i, k) of a is at
/// A[i · RowStrideA + k · StepA], element (k, j) of b at B[k · StepB + j · ColumnStrideB], element (i, j) of y at Y[i · StrideY + j].
/// </summary>
internal unsafe struct Product
{
    public float* A, B, Y;
    public int M, N, K;
    public nint RowStrideA, StepA, StepB, ColumnStrideB, StrideY;
    public float Alpha, Beta;
    public int OuterBatch, InnerBatch;
    public nint OuterStrideA, OuterStrideB, OuterStrideY, InnerStrideA, InnerStrideB, InnerStrideY;

    public Product(in MatMulArguments x)
    {
        A = (float*)x.A;
        B = (float*)x.B;
        Y = (float*)x.Y;
        (M, N, K) = (x.M, x.N, x.K);
        (RowStrideA, StepA) = x.TransposeA ? (1, x.StrideA) : (x.StrideA, (nint)1);
        (StepB, ColumnStrideB) = x.TransposeB ? (1, x.StrideB) : (x.StrideB, (nint)1);
        StrideY = x.StrideY;
        (Alpha, Beta) = (x.Alpha, x.Beta);
        (OuterBatch, InnerBatch) = (x.OuterBatch, x.InnerBatch);
        (OuterStrideA, OuterStrideB, OuterStrideY) = ((nint)x.OuterStrideA, (nint)x.OuterStrideB, (nint)x.OuterStrideY);
        (InnerStrideA, InnerStrideB, InnerStrideY) = ((nint)x.InnerStrideA, (nint)x.InnerStrideB, (nint)x.InnerStrideY);
        Simplify();
    }

    public readonly long Matrices => (long)OuterBatch * InnerBatch;

    /// <summary>Multiplications of one matrix.</summary>
    public readonly long Work => (long)M * N * K;

    /// <summary>Whether both operands run along k, so that elements of y are dot products of contiguous rows.</summary>
    public readonly bool IsDots => StepA == 1 && StepB == 1;

    /// <summary>Whether a matrix is larger than what caches keep between two products: 8 MiB.</summary>
    public static bool IsFar(int rows, int columns) => (long)rows * columns > 1 << 21;

    public readonly void Locate(long matrix, out float* a, out float* b, out float* y)
    {
        nint outer = (nint)(matrix / InnerBatch), inner = (nint)(matrix % InnerBatch);
        a = A + outer * OuterStrideA + inner * InnerStrideA;
        b = B + outer * OuterStrideB + inner * InnerStrideB;
        y = Y + outer * OuterStrideY + inner * InnerStrideY;
    }

    /// <summary>y with one row is y transposed: aᵀ · b with one column becomes bᵀ · a, whose long axis runs along vectors.</summary>
    public readonly Product Transposed() => this with
    {
        A = B, B = A, M = N, N = M,
        RowStrideA = ColumnStrideB, StepA = StepB, StepB = StepA, ColumnStrideB = RowStrideA, StrideY = 1,
        OuterStrideA = OuterStrideB, OuterStrideB = OuterStrideA, InnerStrideA = InnerStrideB, InnerStrideB = InnerStrideA,
    };

    private void Simplify()
    {
        // A batch that shares b and follows on in a and y is one tall product.
        if (InnerBatch > 1 && InnerStrideB == 0 && InnerStrideA == M * RowStrideA && InnerStrideY == M * StrideY && (long)InnerBatch * M <= int.MaxValue)
            (M, InnerBatch) = (M * InnerBatch, 1);
        if (InnerBatch == 1 && OuterBatch > 1 && OuterStrideB == 0 && OuterStrideA == M * RowStrideA && OuterStrideY == M * StrideY && (long)OuterBatch * M <= int.MaxValue)
            (M, OuterBatch) = (M * OuterBatch, 1);
    }
}
