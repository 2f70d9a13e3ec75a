using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>What a call of cuBLASLt returns (<c>cublasStatus_t</c>); only the codes that are told apart have names here.</summary>
internal enum CublasStatus
{
    Success = 0,
    InvalidValue = 7,
    ArchitectureMismatch = 8,
    NotSupported = 15,
}

/// <summary>How products are computed (<c>cublasComputeType_t</c>), with F32 sums.</summary>
internal enum CublasCompute
{
    F32 = 68,
    FastTF32 = 77,
}

/// <summary>Element types (<c>cudaDataType_t</c>).</summary>
internal enum CudaDataType
{
    F32 = 0,
    BF16 = 14,
}

/// <summary>Attributes of a product (<c>cublasLtMatmulDescAttributes_t</c>).</summary>
internal enum MatmulAttribute
{
    TransposeA = 3,
    TransposeB = 4,
    Epilogue = 7,
    BiasPointer = 8,
}

/// <summary>What follows a product (<c>cublasLtEpilogue_t</c>).</summary>
internal enum MatmulEpilogue
{
    None = 1,
    Bias = 4,
}

/// <summary>Attributes of a matrix (<c>cublasLtMatrixLayoutAttribute_t</c>).</summary>
internal enum LayoutAttribute
{
    BatchCount = 5,
    BatchStride = 6,
}

/// <summary>What an algorithm may need (<c>cublasLtMatmulPreferenceAttributes_t</c>).</summary>
internal enum PreferenceAttribute
{
    MaxWorkspaceBytes = 1,
    MinAlignmentA = 5,
    MinAlignmentB = 6,
    MinAlignmentC = 7,
    MinAlignmentD = 8,
}

/// <summary>An algorithm, in the library's own form (<c>cublasLtMatmulAlgo_t</c>).</summary>
[InlineArray(8)]
internal struct MatmulAlgorithm
{
    private ulong _first;
}

/// <summary>An algorithm that the library proposes (<c>cublasLtMatmulHeuristicResult_t</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MatmulHeuristic
{
    public MatmulAlgorithm Algorithm;
    public nuint WorkspaceBytes;
    public CublasStatus State;
    public float Waves;
    private readonly long _reserved0, _reserved1;
}
