using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>The entry points of the CUDA driver, under the driver's names.</summary>
/// <remarks>
/// A table of function pointers instead of imports: nothing binds to a library before a machine is known to have it, and what fills the
/// table need not be a library. Devices are numbers, all other handles addresses. Where an entry point has versions, the one meant here is asked for:
/// plain names can be older functions with narrower types or other rules.
/// </remarks>
internal sealed unsafe partial class DriverTable
{
    public delegate* unmanaged<uint, CudaResult> cuInit { get; private set; }
    public delegate* unmanaged<int*, CudaResult> cuDriverGetVersion { get; private set; }
    public delegate* unmanaged<CudaResult, byte**, CudaResult> cuGetErrorName { get; private set; }
    public delegate* unmanaged<CudaResult, byte**, CudaResult> cuGetErrorString { get; private set; }
    public delegate* unmanaged<int*, CudaResult> cuDeviceGetCount { get; private set; }
    public delegate* unmanaged<int*, int, CudaResult> cuDeviceGet { get; private set; }
    public delegate* unmanaged<byte*, int, int, CudaResult> cuDeviceGetName { get; private set; }
    public delegate* unmanaged<nuint*, int, CudaResult> cuDeviceTotalMem { get; private set; }
    public delegate* unmanaged<int*, DeviceAttribute, int, CudaResult> cuDeviceGetAttribute { get; private set; }
    public delegate* unmanaged<nint*, int, CudaResult> cuDevicePrimaryCtxRetain { get; private set; }
    public delegate* unmanaged<int, CudaResult> cuDevicePrimaryCtxRelease { get; private set; }
    public delegate* unmanaged<nint*, CudaResult> cuCtxGetCurrent { get; private set; }
    public delegate* unmanaged<nint, CudaResult> cuCtxSetCurrent { get; private set; }
    public delegate* unmanaged<nuint*, nuint*, CudaResult> cuMemGetInfo { get; private set; }

    private DriverTable(Func<string, nint> entry)
    {
        cuInit = (delegate* unmanaged<uint, CudaResult>)entry("cuInit");
        cuDriverGetVersion = (delegate* unmanaged<int*, CudaResult>)entry("cuDriverGetVersion");
        cuGetErrorName = (delegate* unmanaged<CudaResult, byte**, CudaResult>)entry("cuGetErrorName");
        cuGetErrorString = (delegate* unmanaged<CudaResult, byte**, CudaResult>)entry("cuGetErrorString");
        cuDeviceGetCount = (delegate* unmanaged<int*, CudaResult>)entry("cuDeviceGetCount");
        cuDeviceGet = (delegate* unmanaged<int*, int, CudaResult>)entry("cuDeviceGet");
        cuDeviceGetName = (delegate* unmanaged<byte*, int, int, CudaResult>)entry("cuDeviceGetName");
        cuDeviceTotalMem = (delegate* unmanaged<nuint*, int, CudaResult>)entry("cuDeviceTotalMem_v2");
        cuDeviceGetAttribute = (delegate* unmanaged<int*, DeviceAttribute, int, CudaResult>)entry("cuDeviceGetAttribute");
        cuDevicePrimaryCtxRetain = (delegate* unmanaged<nint*, int, CudaResult>)entry("cuDevicePrimaryCtxRetain");
        cuDevicePrimaryCtxRelease = (delegate* unmanaged<int, CudaResult>)entry("cuDevicePrimaryCtxRelease_v2");
        cuCtxGetCurrent = (delegate* unmanaged<nint*, CudaResult>)entry("cuCtxGetCurrent");
        cuCtxSetCurrent = (delegate* unmanaged<nint, CudaResult>)entry("cuCtxSetCurrent");
        cuMemGetInfo = (delegate* unmanaged<nuint*, nuint*, CudaResult>)entry("cuMemGetInfo_v2");
        FillExecution(entry);
    }

    /// <summary>Fills a table.</summary>
    /// <param name="export">The address of an entry point, or 0.</param>
    /// <param name="missing">Names without an address; a table with gaps is never handed out.</param>
    public static DriverTable? Fill(Func<string, nint> export, out IReadOnlyList<string> missing)
    {
        List<string> absent = [];
        DriverTable table = new(Entry);
        missing = absent;
        return absent.Count == 0 ? table : null;

        nint Entry(string name)
        {
            nint address = export(name);
            if (address == 0)
                absent.Add(name);
            return address;
        }
    }

    /// <summary>Throws unless a call succeeded.</summary>
    /// <param name="result">What it returned.</param>
    /// <param name="call">Its text, given by the compiler.</param>
    /// <exception cref="CudaException">It failed.</exception>
    public void Check(CudaResult result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result == CudaResult.Success)
            return;
        // The names of the variables that lead to the table are ours, not the driver's.
        int arguments = call.IndexOf('(', StringComparison.Ordinal);
        string text = call[(call.LastIndexOf('.', Math.Max(arguments, 0)) + 1)..];
        throw Failure(result, text);
    }

    /// <summary>The exception for a call that failed.</summary>
    /// <param name="result">What it returned.</param>
    /// <param name="call">Its text.</param>
    /// <param name="advice">What follows the driver's explanation, without the full stop.</param>
    public CudaException Failure(CudaResult result, string call, string advice = "") =>
        new(call, (int)result, Text(cuGetErrorName, result) ?? "an unknown error", (Text(cuGetErrorString, result) ?? "of which the driver says nothing") + advice);

    private static string? Text(delegate* unmanaged<CudaResult, byte**, CudaResult> describe, CudaResult result)
    {
        byte* text = null;
        return describe(result, &text) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text) : null;
    }
}
