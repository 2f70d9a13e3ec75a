using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>The entry points of the CUDA driver, under the driver's names.</summary>
/// <remarks>
/// A table of function pointers instead of imports: nothing binds to a library before a machine is known to have it, and what fills the
/// table need not be a library. Devices and contexts are handles of the driver: a number and an address.
/// </remarks>
internal sealed unsafe class DriverTable
{
    public readonly delegate* unmanaged<uint, CudaResult> cuInit;
    public readonly delegate* unmanaged<int*, CudaResult> cuDriverGetVersion;
    public readonly delegate* unmanaged<CudaResult, byte**, CudaResult> cuGetErrorName;
    public readonly delegate* unmanaged<CudaResult, byte**, CudaResult> cuGetErrorString;
    public readonly delegate* unmanaged<int*, CudaResult> cuDeviceGetCount;
    public readonly delegate* unmanaged<int*, int, CudaResult> cuDeviceGet;
    public readonly delegate* unmanaged<byte*, int, int, CudaResult> cuDeviceGetName;
    public readonly delegate* unmanaged<nuint*, int, CudaResult> cuDeviceTotalMem;
    public readonly delegate* unmanaged<int*, DeviceAttribute, int, CudaResult> cuDeviceGetAttribute;
    public readonly delegate* unmanaged<nint*, int, CudaResult> cuDevicePrimaryCtxRetain;
    public readonly delegate* unmanaged<int, CudaResult> cuDevicePrimaryCtxRelease;
    public readonly delegate* unmanaged<nint*, CudaResult> cuCtxGetCurrent;
    public readonly delegate* unmanaged<nint, CudaResult> cuCtxSetCurrent;
    public readonly delegate* unmanaged<nuint*, nuint*, CudaResult> cuMemGetInfo;

    private DriverTable(Func<string, nint> export, List<string> missing)
    {
        cuInit = (delegate* unmanaged<uint, CudaResult>)Entry("cuInit");
        cuDriverGetVersion = (delegate* unmanaged<int*, CudaResult>)Entry("cuDriverGetVersion");
        cuGetErrorName = (delegate* unmanaged<CudaResult, byte**, CudaResult>)Entry("cuGetErrorName");
        cuGetErrorString = (delegate* unmanaged<CudaResult, byte**, CudaResult>)Entry("cuGetErrorString");
        cuDeviceGetCount = (delegate* unmanaged<int*, CudaResult>)Entry("cuDeviceGetCount");
        cuDeviceGet = (delegate* unmanaged<int*, int, CudaResult>)Entry("cuDeviceGet");
        cuDeviceGetName = (delegate* unmanaged<byte*, int, int, CudaResult>)Entry("cuDeviceGetName");
        cuDeviceGetAttribute = (delegate* unmanaged<int*, DeviceAttribute, int, CudaResult>)Entry("cuDeviceGetAttribute");
        cuDevicePrimaryCtxRetain = (delegate* unmanaged<nint*, int, CudaResult>)Entry("cuDevicePrimaryCtxRetain");
        cuCtxGetCurrent = (delegate* unmanaged<nint*, CudaResult>)Entry("cuCtxGetCurrent");
        cuCtxSetCurrent = (delegate* unmanaged<nint, CudaResult>)Entry("cuCtxSetCurrent");
        // The plain names of these are older functions with narrower types or other rules.
        cuDeviceTotalMem = (delegate* unmanaged<nuint*, int, CudaResult>)Entry("cuDeviceTotalMem_v2");
        cuDevicePrimaryCtxRelease = (delegate* unmanaged<int, CudaResult>)Entry("cuDevicePrimaryCtxRelease_v2");
        cuMemGetInfo = (delegate* unmanaged<nuint*, nuint*, CudaResult>)Entry("cuMemGetInfo_v2");

        nint Entry(string name)
        {
            nint address = export(name);
            if (address == 0)
                missing.Add(name);
            return address;
        }
    }

    /// <summary>Fills a table.</summary>
    /// <param name="export">The address of an entry point, or 0.</param>
    /// <param name="missing">Names without an address; a table with gaps is never handed out.</param>
    public static DriverTable? Fill(Func<string, nint> export, out IReadOnlyList<string> missing)
    {
        List<string> absent = [];
        DriverTable table = new(export, absent);
        missing = absent;
        return absent.Count == 0 ? table : null;
    }

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="result">What it returned.</param>
    /// <param name="call">Its text, given by the compiler.</param>
    /// <exception cref="CudaException">It failed.</exception>
    public void Check(CudaResult result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result == CudaResult.Success)
            return;
        // The name of the table's variable is ours, not the driver's.
        string text = call[(call.IndexOf('.', StringComparison.Ordinal) + 1)..];
        throw new CudaException(text, (int)result, Text(cuGetErrorName, result) ?? "an unknown error", Text(cuGetErrorString, result) ?? "of which the driver says nothing");
    }

    private static string? Text(delegate* unmanaged<CudaResult, byte**, CudaResult> describe, CudaResult result)
    {
        byte* text = null;
        return describe(result, &text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text) : null;
    }
}

/// <summary>Properties of a device that are numbers (<c>CUdevice_attribute</c>).</summary>
internal enum DeviceAttribute
{
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
}
