using Dino.Cuda.Native;
using Dino.Tensors;

namespace Dino.Cuda;

/// <summary>An NVIDIA GPU. It takes the place of <see cref="CpuDevice"/>: everything else of a program stays as it is.</summary>
/// <remarks>Work is queued and done in order; what reads results back waits for it. The device may be used by several threads.</remarks>
public sealed class CudaDevice : Device
{
    /// <summary>Opens a device.</summary>
    /// <param name="index">Its position in <see cref="CudaDevices.Devices"/>.</param>
    /// <param name="precision">How it multiplies.</param>
    /// <exception cref="InvalidOperationException">There is no such device, or it cannot be used; the message says why, as <see cref="IsAvailable"/> does.</exception>
    public CudaDevice(int index = 0, CudaPrecision precision = CudaPrecision.FP32)
        : this(CudaDevices.Find(), index, precision)
    {
    }

    internal CudaDevice(CudaDevices devices, int index, CudaPrecision precision = CudaPrecision.FP32)
        : base(devices.Open(index, precision)) => (Info, Precision) = (devices.Devices[index], precision);

    /// <summary>What the device is.</summary>
    public CudaDeviceInfo Info { get; }

    /// <summary>How it multiplies the operands of matrix products and attention.</summary>
    public CudaPrecision Precision { get; }

    /// <inheritdoc/>
    public override string Name => $"cuda:{Info.Index}";

    /// <summary>Whether there is a device that can be used.</summary>
    /// <param name="reason">If not: why, and what to do about it. Empty otherwise.</param>
    public static bool IsAvailable(out string reason) => CudaDevices.Find().IsAvailable(out reason);
}
