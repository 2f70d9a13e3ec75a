using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Dino.Tests.Cuda;

internal sealed record FakeDevice(string Name, int Major, int Minor, int Multiprocessors, ulong TotalBytes, ulong FreeBytes);

/// <summary>A driver in managed code behind real function pointers; it serves the thread that last took an export from it.</summary>
internal sealed unsafe class FakeDriver
{
    /// <summary>Handles differ from indices, so that mixing them up is noticed.</summary>
    private const int FirstHandle = 40;

    private const int InvalidValue = 1, NotInitialized = 3, NoDevice = 100, InvalidDevice = 101, InvalidContext = 201;

    [ThreadStatic]
    private static FakeDriver? s_current;

    private bool _isInitialized;

    /// <summary>All entry points, as the driver's library names them.</summary>
    public static IReadOnlyList<string> EntryPoints { get; } =
    [
        "cuInit", "cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem_v2",
        "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxGetCurrent", "cuCtxSetCurrent", "cuMemGetInfo_v2",
    ];

    public int Version { get; init; } = 12080;

    public List<FakeDevice> Devices { get; } = [];

    /// <summary>Entry points that return this code instead of doing anything.</summary>
    public Dictionary<string, int> Failures { get; } = [];

    public List<string> Absent { get; } = [];

    /// <summary>Whether an empty machine fails at cuInit, as drivers do, or only counts no device.</summary>
    public bool StartsWithoutDevice { get; init; }

    /// <summary>The context of the calling thread.</summary>
    public nint Context { get; set; }

    /// <summary>Handles of devices whose context is held, once for each time.</summary>
    public List<int> Retained { get; } = [];

    public nint Export(string name)
    {
        s_current = this;
        return Absent.Contains(name) ? 0 : name switch
        {
            "cuInit" => (nint)(delegate* unmanaged<uint, int>)&Init,
            "cuDriverGetVersion" => (nint)(delegate* unmanaged<int*, int>)&DriverGetVersion,
            "cuGetErrorName" => (nint)(delegate* unmanaged<int, byte**, int>)&GetErrorName,
            "cuGetErrorString" => (nint)(delegate* unmanaged<int, byte**, int>)&GetErrorString,
            "cuDeviceGetCount" => (nint)(delegate* unmanaged<int*, int>)&DeviceGetCount,
            "cuDeviceGet" => (nint)(delegate* unmanaged<int*, int, int>)&DeviceGet,
            "cuDeviceGetName" => (nint)(delegate* unmanaged<byte*, int, int, int>)&DeviceGetName,
            "cuDeviceTotalMem_v2" => (nint)(delegate* unmanaged<nuint*, int, int>)&DeviceTotalMem,
            "cuDeviceGetAttribute" => (nint)(delegate* unmanaged<int*, int, int, int>)&DeviceGetAttribute,
            "cuDevicePrimaryCtxRetain" => (nint)(delegate* unmanaged<nint*, int, int>)&PrimaryCtxRetain,
            "cuDevicePrimaryCtxRelease_v2" => (nint)(delegate* unmanaged<int, int>)&PrimaryCtxRelease,
            "cuCtxGetCurrent" => (nint)(delegate* unmanaged<nint*, int>)&CtxGetCurrent,
            "cuCtxSetCurrent" => (nint)(delegate* unmanaged<nint, int>)&CtxSetCurrent,
            "cuMemGetInfo_v2" => (nint)(delegate* unmanaged<nuint*, nuint*, int>)&MemGetInfo,
            // What holds memory and runs kernels is there, and works nowhere.
            _ => (nint)(delegate* unmanaged<int>)&NotThere,
        };
    }

    [UnmanagedCallersOnly]
    private static int NotThere() => NotInitialized;

    /// <summary>Runs an entry point, unless it is to fail or nobody called cuInit. Errors leave the outputs as they were.</summary>
    private static int Run(string name, Func<FakeDriver, int> body)
    {
        FakeDriver driver = s_current!;
        return driver.Failures.TryGetValue(name, out int code) ? code : driver._isInitialized ? body(driver) : NotInitialized;
    }

    private static int OnDevice(string name, int device, Func<FakeDriver, FakeDevice, int> body) =>
        Run(name, driver => device >= FirstHandle && device < FirstHandle + driver.Devices.Count ? body(driver, driver.Devices[device - FirstHandle]) : InvalidDevice);

    private static int Give<T>(T* output, T value)
        where T : unmanaged
    {
        *output = value;
        return 0;
    }

    /// <summary>Literals lie in the program's image: their address is theirs for good, and a zero follows them.</summary>
    private static int Give(byte** output, ReadOnlySpan<byte> literal)
    {
        *output = literal.IsEmpty ? null : (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));
        return literal.IsEmpty ? InvalidValue : 0;
    }

    [UnmanagedCallersOnly]
    private static int Init(uint flags)
    {
        FakeDriver driver = s_current!;
        if (driver.Failures.TryGetValue("cuInit", out int code))
            return code;
        if (flags != 0)
            return InvalidValue;
        driver._isInitialized = true;
        return driver.Devices.Count > 0 || driver.StartsWithoutDevice ? 0 : NoDevice;
    }

    [UnmanagedCallersOnly]
    private static int DriverGetVersion(int* version) => Run("cuDriverGetVersion", driver => Give(version, driver.Version));

    [UnmanagedCallersOnly]
    private static int GetErrorName(int code, byte** text) => Give(text, code switch
    {
        InvalidValue => "CUDA_ERROR_INVALID_VALUE"u8,
        NoDevice => "CUDA_ERROR_NO_DEVICE"u8,
        InvalidContext => "CUDA_ERROR_INVALID_CONTEXT"u8,
        _ => default,
    });

    [UnmanagedCallersOnly]
    private static int GetErrorString(int code, byte** text) => Give(text, code switch
    {
        InvalidValue => "invalid argument"u8,
        NoDevice => "no CUDA-capable device is detected"u8,
        InvalidContext => "invalid device context"u8,
        _ => default,
    });

    [UnmanagedCallersOnly]
    private static int DeviceGetCount(int* count) => Run("cuDeviceGetCount", driver => Give(count, driver.Devices.Count));

    [UnmanagedCallersOnly]
    private static int DeviceGet(int* device, int index) =>
        Run("cuDeviceGet", driver => index >= 0 && index < driver.Devices.Count ? Give(device, FirstHandle + index) : InvalidDevice);

    [UnmanagedCallersOnly]
    private static int DeviceGetName(byte* name, int length, int device) => OnDevice("cuDeviceGetName", device, (_, found) =>
    {
        Span<byte> output = new(name, length);
        output[Encoding.UTF8.GetBytes(found.Name, output)] = 0;
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int DeviceTotalMem(nuint* bytes, int device) => OnDevice("cuDeviceTotalMem_v2", device, (_, found) => Give(bytes, (nuint)found.TotalBytes));

    [UnmanagedCallersOnly]
    private static int DeviceGetAttribute(int* value, int attribute, int device) => OnDevice("cuDeviceGetAttribute", device, (_, found) => attribute switch
    {
        16 => Give(value, found.Multiprocessors),
        75 => Give(value, found.Major),
        76 => Give(value, found.Minor),
        _ => InvalidValue,
    });

    [UnmanagedCallersOnly]
    private static int PrimaryCtxRetain(nint* context, int device) => OnDevice("cuDevicePrimaryCtxRetain", device, (driver, _) =>
    {
        driver.Retained.Add(device);
        return Give(context, 1000 + device);
    });

    [UnmanagedCallersOnly]
    private static int PrimaryCtxRelease(int device) => OnDevice("cuDevicePrimaryCtxRelease_v2", device, (driver, _) => driver.Retained.Remove(device) ? 0 : InvalidContext);

    [UnmanagedCallersOnly]
    private static int CtxGetCurrent(nint* context) => Run("cuCtxGetCurrent", driver => Give(context, driver.Context));

    [UnmanagedCallersOnly]
    private static int CtxSetCurrent(nint context) => Run("cuCtxSetCurrent", driver =>
    {
        driver.Context = context;
        return 0;
    });

    [UnmanagedCallersOnly]
    private static int MemGetInfo(nuint* free, nuint* total) => Run("cuMemGetInfo_v2", driver =>
    {
        int device = (int)driver.Context - 1000;
        if (!driver.Retained.Contains(device))
            return InvalidContext;
        FakeDevice found = driver.Devices[device - FirstHandle];
        Give(total, (nuint)found.TotalBytes);
        return Give(free, (nuint)found.FreeBytes);
    });
}
