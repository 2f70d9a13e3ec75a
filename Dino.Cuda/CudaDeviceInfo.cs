namespace Dino.Cuda;

/// <summary>What a CUDA device is.</summary>
/// <param name="Index">Its number among the devices that the driver shows to this process.</param>
/// <param name="Name">The driver's name of it, such as <c>NVIDIA H200</c>.</param>
/// <param name="ComputeCapability">Generation of the hardware, such as 9.0.</param>
/// <param name="Multiprocessors">Number of streaming multiprocessors.</param>
/// <param name="TotalBytes">Size of its memory.</param>
/// <param name="FreeBytes">Memory free at the time of asking; null if the device could not be opened.</param>
/// <param name="DriverVersion">The newest CUDA version that the driver supports, such as 12.8.</param>
/// <param name="Problem">Why kernels for PTX 7.0 and compute capability 8.0 cannot run on it, and what to do about it; null if they can.</param>
public sealed record CudaDeviceInfo(
    int Index, string Name, Version ComputeCapability, int Multiprocessors, long TotalBytes, long? FreeBytes, Version DriverVersion, string? Problem);
