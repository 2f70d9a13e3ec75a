using Dino.Cuda.Native;
using Dino.Tensors;

namespace Dino.Cuda;

/// <summary>An NVIDIA GPU. It takes the place of <see cref="CpuDevice"/>: everything else of a program stays as it is.</summary>
public sealed class CudaDevice : Device
{
    private CudaDevice(CudaContext context, CudaDeviceInfo info, CudaPrecision precision, CublasLt? library)
        : base(new CudaBackend(context, precision, library)) => (Info, Precision) = (info, precision);

    /// <summary>What the device is.</summary>
    public CudaDeviceInfo Info { get; }

    /// <summary>How it multiplies the operands of matrix products and attention.</summary>
    public CudaPrecision Precision { get; }

    /// <inheritdoc/>
    public override string Name => $"cuda:{Info.Index}";

    /// <summary>Opens a device.</summary>
    /// <param name="index">Its position in <see cref="CudaDevices.Devices"/>.</param>
    /// <param name="precision">How to multiply the operands of matrix products and attention.</param>
    /// <exception cref="InvalidOperationException">There is no such device, or it cannot be used; the message says why.</exception>
    public static CudaDevice Open(int index = 0, CudaPrecision precision = CudaPrecision.FP32) => CudaDevices.Find().Open(index, precision);

    /// <summary>Whether there is a device that can be used.</summary>
    /// <param name="reason">If not: why, and what to do about it. Empty otherwise.</param>
    public static bool IsAvailable(out string reason) => CudaDevices.Find().IsAvailable(out reason);

    internal static CudaDevice Open(DriverTable driver, CudaDeviceInfo info, CudaPrecision precision = CudaPrecision.FP32, CublasLtTable? products = null)
    {
        CudaContext context = new(driver, info.Index);
        CublasLt? library = null;
        try
        {
            library = products is null ? null : new CublasLt(products, context, precision);
        }
        catch (CudaException)
        {
            // A library that does not know this device: there are kernels for all it does.
        }

        return new CudaDevice(context, info, precision, library);
    }
}
