using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>The entry points of cuBLASLt, under the library's names. Handles, descriptions, layouts and preferences are addresses.</summary>
/// <remarks>A table of function pointers for the reasons of <see cref="DriverTable"/>.</remarks>
internal sealed unsafe class CublasLtTable
{
    public delegate* unmanaged<nint*, CublasStatus> cublasLtCreate { get; private set; }
    public delegate* unmanaged<nint, CublasStatus> cublasLtDestroy { get; private set; }
    public delegate* unmanaged<CublasStatus, byte*> cublasLtGetStatusName { get; private set; }
    public delegate* unmanaged<CublasStatus, byte*> cublasLtGetStatusString { get; private set; }
    public delegate* unmanaged<nint*, CublasCompute, CudaDataType, CublasStatus> cublasLtMatmulDescCreate { get; private set; }
    public delegate* unmanaged<nint, CublasStatus> cublasLtMatmulDescDestroy { get; private set; }
    public delegate* unmanaged<nint, MatmulAttribute, void*, nuint, CublasStatus> cublasLtMatmulDescSetAttribute { get; private set; }
    public delegate* unmanaged<nint*, CudaDataType, ulong, ulong, long, CublasStatus> cublasLtMatrixLayoutCreate { get; private set; }
    public delegate* unmanaged<nint, CublasStatus> cublasLtMatrixLayoutDestroy { get; private set; }
    public delegate* unmanaged<nint, LayoutAttribute, void*, nuint, CublasStatus> cublasLtMatrixLayoutSetAttribute { get; private set; }
    public delegate* unmanaged<nint*, CublasStatus> cublasLtMatmulPreferenceCreate { get; private set; }
    public delegate* unmanaged<nint, CublasStatus> cublasLtMatmulPreferenceDestroy { get; private set; }
    public delegate* unmanaged<nint, PreferenceAttribute, void*, nuint, CublasStatus> cublasLtMatmulPreferenceSetAttribute { get; private set; }
    public delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint, int, MatmulHeuristic*, int*, CublasStatus> cublasLtMatmulAlgoGetHeuristic { get; private set; }
    public delegate* unmanaged<nint, nint, void*, nint, nint, nint, nint, void*, nint, nint, nint, nint, MatmulAlgorithm*, nint, nuint, nint, CublasStatus> cublasLtMatmul { get; private set; }

    private CublasLtTable(Func<string, nint> entry)
    {
        cublasLtCreate = (delegate* unmanaged<nint*, CublasStatus>)entry("cublasLtCreate");
        cublasLtDestroy = (delegate* unmanaged<nint, CublasStatus>)entry("cublasLtDestroy");
        cublasLtGetStatusName = (delegate* unmanaged<CublasStatus, byte*>)entry("cublasLtGetStatusName");
        cublasLtGetStatusString = (delegate* unmanaged<CublasStatus, byte*>)entry("cublasLtGetStatusString");
        cublasLtMatmulDescCreate = (delegate* unmanaged<nint*, CublasCompute, CudaDataType, CublasStatus>)entry("cublasLtMatmulDescCreate");
        cublasLtMatmulDescDestroy = (delegate* unmanaged<nint, CublasStatus>)entry("cublasLtMatmulDescDestroy");
        cublasLtMatmulDescSetAttribute = (delegate* unmanaged<nint, MatmulAttribute, void*, nuint, CublasStatus>)entry("cublasLtMatmulDescSetAttribute");
        cublasLtMatrixLayoutCreate = (delegate* unmanaged<nint*, CudaDataType, ulong, ulong, long, CublasStatus>)entry("cublasLtMatrixLayoutCreate");
        cublasLtMatrixLayoutDestroy = (delegate* unmanaged<nint, CublasStatus>)entry("cublasLtMatrixLayoutDestroy");
        cublasLtMatrixLayoutSetAttribute = (delegate* unmanaged<nint, LayoutAttribute, void*, nuint, CublasStatus>)entry("cublasLtMatrixLayoutSetAttribute");
        cublasLtMatmulPreferenceCreate = (delegate* unmanaged<nint*, CublasStatus>)entry("cublasLtMatmulPreferenceCreate");
        cublasLtMatmulPreferenceDestroy = (delegate* unmanaged<nint, CublasStatus>)entry("cublasLtMatmulPreferenceDestroy");
        cublasLtMatmulPreferenceSetAttribute = (delegate* unmanaged<nint, PreferenceAttribute, void*, nuint, CublasStatus>)entry("cublasLtMatmulPreferenceSetAttribute");
        cublasLtMatmulAlgoGetHeuristic =
            (delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint, int, MatmulHeuristic*, int*, CublasStatus>)entry("cublasLtMatmulAlgoGetHeuristic");
        cublasLtMatmul =
            (delegate* unmanaged<nint, nint, void*, nint, nint, nint, nint, void*, nint, nint, nint, nint, MatmulAlgorithm*, nint, nuint, nint, CublasStatus>)entry("cublasLtMatmul");
    }

    /// <summary>Fills a table.</summary>
    /// <param name="export">The address of an entry point, or 0.</param>
    /// <returns>Null if the library lacks an entry point: it is older than CUDA 11.4.</returns>
    public static CublasLtTable? Fill(Func<string, nint> export)
    {
        bool isWhole = true;
        CublasLtTable table = new(Entry);
        return isWhole ? table : null;

        nint Entry(string name)
        {
            nint address = export(name);
            isWhole &= address != 0;
            return address;
        }
    }

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="status">What it returned.</param>
    /// <param name="call">Its text, given by the compiler.</param>
    /// <exception cref="CudaException">It failed.</exception>
    public void Check(CublasStatus status, [CallerArgumentExpression(nameof(status))] string call = "")
    {
        if (status == CublasStatus.Success)
            return;
        string text = call[(call.LastIndexOf('.', Math.Max(call.IndexOf('(', StringComparison.Ordinal), 0)) + 1)..];
        throw new CudaException(text, (int)status, Text(cublasLtGetStatusName(status)), Text(cublasLtGetStatusString(status)));

        static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "an unknown error";
    }
}
