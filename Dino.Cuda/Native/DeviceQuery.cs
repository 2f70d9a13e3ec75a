using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>Asks the driver what devices there are.</summary>
internal static unsafe class DeviceQuery
{
    private static readonly Version LeastCuda = new(11, 4), LeastCapability = new(8, 0);

    /// <summary>Every device the driver shows; none is left out for being too old or for being taken.</summary>
    /// <exception cref="CudaException">The driver does not start, or cannot describe a device.</exception>
    public static CudaDeviceInfo[] Read(DriverTable driver)
    {
        driver.Check(driver.cuInit(0));
        int version, count;
        driver.Check(driver.cuDriverGetVersion(&version));
        driver.Check(driver.cuDeviceGetCount(&count));
        CudaDeviceInfo[] devices = new CudaDeviceInfo[count];
        for (int index = 0; index < count; index++)
            devices[index] = Describe(driver, index, new Version(version / 1000, version % 1000 / 10));
        return devices;
    }

    private static CudaDeviceInfo Describe(DriverTable driver, int index, Version cuda)
    {
        const int NameLength = 256;
        byte* name = stackalloc byte[NameLength];
        int device;
        nuint total;
        driver.Check(driver.cuDeviceGet(&device, index));
        driver.Check(driver.cuDeviceGetName(name, NameLength, device));
        driver.Check(driver.cuDeviceTotalMem(&total, device));
        Version capability = new(Attribute(driver, DeviceAttribute.ComputeCapabilityMajor, device), Attribute(driver, DeviceAttribute.ComputeCapabilityMinor, device));
        int multiprocessors = Attribute(driver, DeviceAttribute.MultiprocessorCount, device);
        string? problem =
            cuda < LeastCuda ? $"its driver supports CUDA {cuda}, and CUDA {LeastCuda} is needed at least. Update the NVIDIA driver."
            : capability < LeastCapability ? $"its compute capability is {capability}, and {LeastCapability} (Ampere) is needed at least. Use a newer GPU."
            : null;
        long? free = null;
        try
        {
            free = FreeBytes(driver, device);
        }
        catch (CudaException error)
        {
            problem ??= $"it cannot be opened: {error.Message} nvidia-smi lists the processes that hold it and its compute mode.";
        }

        return new CudaDeviceInfo(index, Marshal.PtrToStringUTF8((nint)name)!, capability, multiprocessors, (long)total, free, cuda, problem);
    }

    private static int Attribute(DriverTable driver, DeviceAttribute attribute, int device)
    {
        int value;
        driver.Check(driver.cuDeviceGetAttribute(&value, attribute, device));
        return value;
    }

    /// <summary>Free memory can only be asked for from inside a context of the device.</summary>
    private static long FreeBytes(DriverTable driver, int device)
    {
        nint previous, context;
        nuint free, total;
        driver.Check(driver.cuCtxGetCurrent(&previous));
        driver.Check(driver.cuDevicePrimaryCtxRetain(&context, device));
        try
        {
            driver.Check(driver.cuCtxSetCurrent(context));
            driver.Check(driver.cuMemGetInfo(&free, &total));
            return (long)free;
        }
        finally
        {
            // The thread may be using CUDA through another library. Not checked: an error here would hide the one that led here.
            driver.cuCtxSetCurrent(previous);
            driver.cuDevicePrimaryCtxRelease(device);
        }
    }
}
