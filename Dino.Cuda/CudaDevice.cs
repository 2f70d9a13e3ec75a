using Dino.Cuda.Native;
using Dino.Tensors;

namespace Dino.Cuda;

/// <summary>An NVIDIA GPU. It takes the place of <see cref="CpuDevice"/>: everything else of a program stays as it is.</summary>
public sealed class CudaDevice : Device
{
    private CudaDevice(CudaContext context, CudaDeviceInfo info)
        : base(new CudaBackend(context)) => Info = info;

    /// <summary>What the device is.</summary>
    public CudaDeviceInfo Info { get; }

    /// <inheritdoc/>
    public override string Name => $"cuda:{Info.Index}";

    /// <summary>Opens a device.</summary>
    /// <param name="index">Its position in <see cref="CudaDevices.Devices"/>.</param>
    /// <exception cref="InvalidOperationException">There is no such device, or it cannot be used; the message says why.</exception>
    public static CudaDevice Open(int index = 0) => CudaDevices.Find().Open(index);

    /// <summary>Whether there is a device that can be used.</summary>
    /// <param name="reason">If not: why, and what to do about it. Empty otherwise.</param>
    public static bool IsAvailable(out string reason) => CudaDevices.Find().IsAvailable(out reason);

    internal static CudaDevice Open(DriverTable driver, CudaDeviceInfo info) => new(new CudaContext(driver, info.Index), info);
}
