using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// The driver of emulated machines behind real function pointers. Handles say which machine is meant; what has none, finding devices, is about the machine
/// from which the calling thread last took an entry point.
/// </summary>
internal static unsafe partial class EmulatedDriver
{
    [ThreadStatic]
    private static EmulatedMachine? s_visible;

    [ThreadStatic]
    private static EmulatedContext? s_context;

    [ThreadStatic]
    private static nint s_detail;

    public static nint Export(EmulatedMachine machine, string name)
    {
        s_visible = machine;
        nint found = Discovery(name);
        if (found == 0)
            found = OfMemory(name);
        if (found == 0)
            found = OfStreams(name);
        if (found == 0)
            found = OfKernels(name);
        return found == 0 ? OfGraphs(name) : found;
    }

    /// <summary>Returns an error, and keeps what there is to say about it for who asks.</summary>
    public static int Fail(int code, string detail)
    {
        Marshal.FreeCoTaskMem(s_detail);
        s_detail = Marshal.StringToCoTaskMemUTF8(detail);
        return code;
    }

    private static nint Discovery(string name) => name switch
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
        _ => 0,
    };

    /// <summary>The machine of the thread's context; null with an error where there is none.</summary>
    private static EmulatedMachine? Current(out int error)
    {
        EmulatedMachine? machine = s_context is { } context && context.Machine.Context == context ? context.Machine : null;
        error = machine is null ? Fail(EmulatedErrors.InvalidContext, "the thread has no context, or one that was given back") : 0;
        return machine;
    }

    private static EmulatedMachine? OfDevice(int device) => s_visible is { } machine && machine.Device == device ? machine : EmulatedMachine.OfDevice(device);

    [UnmanagedCallersOnly]
    private static int Init(uint flags) => flags == 0 ? 0 : Fail(EmulatedErrors.InvalidValue, "cuInit takes 0");

    [UnmanagedCallersOnly]
    private static int DriverGetVersion(int* version)
    {
        *version = 11080;
        return 0;
    }

    /// <summary>Literals lie in the program's image: their address is theirs for good, and a zero follows them.</summary>
    [UnmanagedCallersOnly]
    private static int GetErrorName(int code, byte** text)
    {
        *text = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(EmulatedErrors.Name(code)));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int GetErrorString(int code, byte** text)
    {
        if (s_detail == 0)
            Fail(code, "nothing more is known");
        *text = (byte*)s_detail;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetCount(int* count)
    {
        *count = s_visible is null ? 0 : 1;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGet(int* device, int index)
    {
        if (index != 0 || s_visible is not { } machine)
            return Fail(EmulatedErrors.InvalidDevice, "there is one device, 0");
        *device = machine.Device;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetName(byte* name, int length, int device)
    {
        Span<byte> output = new(name, length);
        output[Encoding.UTF8.GetBytes("Emulated GPU", output)] = 0;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceTotalMem(nuint* bytes, int device)
    {
        if (OfDevice(device) is not { } machine)
            return Fail(EmulatedErrors.InvalidDevice, "no such device");
        *bytes = (nuint)machine.Memory.Limit;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int DeviceGetAttribute(int* value, int attribute, int device)
    {
        if (OfDevice(device) is not { } machine)
            return Fail(EmulatedErrors.InvalidDevice, "no such device");
        int? found = attribute switch
        {
            16 => machine.Multiprocessors,
            75 => 8,
            76 => 0,
            97 => SharedMemory.Capacity,
            _ => null,
        };
        if (found is null)
            return Fail(EmulatedErrors.InvalidValue, $"attribute {attribute} is not emulated");
        *value = found.Value;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int PrimaryCtxRetain(nint* context, int device)
    {
        if (OfDevice(device) is not { } machine)
            return Fail(EmulatedErrors.InvalidDevice, "no such device");
        *context = machine.Retain().Handle;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int PrimaryCtxRelease(int device) => OfDevice(device) is { } machine && machine.TryRelease() ? 0 : Fail(EmulatedErrors.InvalidContext, "the context is not held");

    [UnmanagedCallersOnly]
    private static int CtxGetCurrent(nint* context)
    {
        *context = s_context?.Handle ?? 0;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int CtxSetCurrent(nint context)
    {
        if (context == 0)
        {
            s_context = null;
            return 0;
        }

        if (s_context is { } current && current.Handle == context && current.Machine.Context == current)
            return 0;
        if (Handles.Find<EmulatedContext>(context) is not { } found)
            return Fail(EmulatedErrors.InvalidContext, "the context does not exist, or was given back");
        s_context = found;
        return 0;
    }
}
