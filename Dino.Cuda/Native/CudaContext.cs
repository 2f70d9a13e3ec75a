namespace Dino.Cuda.Native;

/// <summary>The primary context of a device, the stream on which all work of a backend is queued in order, and one beside it for what the host brings for later.</summary>
internal sealed unsafe class CudaContext : IDisposable
{
    private const uint NonBlocking = 1, WithoutTime = 2;

    private readonly int _device;
    private readonly nint _handle;
    private readonly nint _uploaded;

    /// <summary>Opens a device.</summary>
    /// <param name="driver">A driver that has been initialised.</param>
    /// <param name="index">Position of the device among those the driver shows.</param>
    /// <exception cref="CudaException">The device cannot be opened.</exception>
    public CudaContext(DriverTable driver, int index)
    {
        Driver = driver;
        int device;
        nint handle, stream, uploads, uploaded;
        driver.Check(driver.cuDeviceGet(&device, index));
        driver.Check(driver.cuDevicePrimaryCtxRetain(&handle, device));
        (_device, _handle) = (device, handle);
        try
        {
            MakeCurrent();
            driver.Check(driver.cuStreamCreate(&stream, NonBlocking));
            driver.Check(driver.cuStreamCreate(&uploads, NonBlocking));
            driver.Check(driver.cuEventCreate(&uploaded, WithoutTime));
            (Stream, UploadStream, _uploaded) = (stream, uploads, uploaded);
            Multiprocessors = Attribute(DeviceAttribute.MultiprocessorCount);
            MaxSharedBytes = Attribute(DeviceAttribute.MaxSharedMemoryPerBlockOptin);
        }
        catch (CudaException)
        {
            driver.cuDevicePrimaryCtxRelease(device);
            throw;
        }
    }

    /// <summary>The driver.</summary>
    public DriverTable Driver { get; }

    /// <summary>The stream of all work.</summary>
    public nint Stream { get; }

    /// <summary>Copies from the host that do not wait for the work queued before them, and that work waits for only by <see cref="AwaitUploads"/>.</summary>
    public nint UploadStream { get; }

    /// <summary>Streaming multiprocessors: how many blocks it takes to fill the device.</summary>
    public int Multiprocessors { get; }

    /// <summary>Shared memory that one block can have.</summary>
    public int MaxSharedBytes { get; }

    /// <summary>Makes this the context of the calling thread, which every call below and every launch needs. It costs less than knowing whether it already is.</summary>
    public void MakeCurrent() => Driver.Check(Driver.cuCtxSetCurrent(_handle));

    /// <summary>Device memory, uninitialised.</summary>
    /// <exception cref="CudaException">There is not enough of it.</exception>
    public nint Allocate(long bytes)
    {
        MakeCurrent();
        nint address;
        CudaResult result = Driver.cuMemAlloc(&address, (nuint)Math.Max(bytes, 1));
        if (result == CudaResult.OutOfMemory)
            throw OutOfMemory(bytes);
        Driver.Check(result, "driver.cuMemAlloc(&address, bytes)");
        return address;
    }

    /// <summary>Waits, and says whether work has failed: nothing can be done in the context any more.</summary>
    public bool HasFailed() => Driver.cuStreamSynchronize(Stream) != CudaResult.Success;

    /// <summary>Waits for all queued work.</summary>
    /// <exception cref="CudaException">It failed, or work queued before it did.</exception>
    public void Synchronize()
    {
        MakeCurrent();
        CudaResult result = Driver.cuStreamSynchronize(Stream);
        if (result != CudaResult.Success)
            throw Driver.Failure(result, "cuStreamSynchronize(Stream)", $"; set {CudaDevices.SynchronousVariable}=1 to learn which kernel it was");
    }

    /// <summary>Has the work queued from now on wait for all that is on its way on the <see cref="UploadStream"/>. The host goes on.</summary>
    public void AwaitUploads()
    {
        Driver.Check(Driver.cuEventRecord(_uploaded, UploadStream));
        Driver.Check(Driver.cuStreamWaitEvent(Stream, _uploaded, 0));
    }

    /// <summary>Ends the streams and gives the context back. Errors are not reported: nothing is left to be done about them.</summary>
    public void Dispose()
    {
        Driver.cuCtxSetCurrent(_handle);
        Driver.cuEventDestroy(_uploaded);
        Driver.cuStreamDestroy(UploadStream);
        Driver.cuStreamDestroy(Stream);
        Driver.cuCtxSetCurrent(0);
        Driver.cuDevicePrimaryCtxRelease(_device);
    }

    private int Attribute(DeviceAttribute attribute)
    {
        int value;
        Driver.Check(Driver.cuDeviceGetAttribute(&value, attribute, _device));
        return value;
    }

    private CudaException OutOfMemory(long bytes)
    {
        nuint free, total;
        string state = Driver.cuMemGetInfo(&free, &total) == CudaResult.Success
            ? $"{free / (1 << 20):N0} of {total / (1 << 20):N0} MiB are free" : "how much is free, the driver does not say";
        return new CudaException(
            $"cuMemAlloc of {bytes / (double)(1 << 20):N1} MiB", (int)CudaResult.OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY",
            $"{state}. Lower the batch size (--batch-size) or train on it in parts (--accumulate 2), lower the number of prototypes (--out-dim) or of local crops (--local-crops), or use a smaller network");
    }
}
