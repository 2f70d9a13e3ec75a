using Dino.Cuda;

namespace Dino.Benchmarks.Gpu;

/// <summary><c>benchmarks device</c>: the GPU that everything is measured on, the first one.</summary>
internal static class GpuDevice
{
    /// <returns>0 if it can be used; 1, with the reason on the standard error output, if not.</returns>
    public static int Run()
    {
        try
        {
            using CudaDevice device = new();
            Console.Out.WriteLine($"{device.Info.Name}, compute capability {device.Info.ComputeCapability}, driver for CUDA {device.Info.DriverVersion}");
            return 0;
        }
        catch (Exception problem) when (problem is InvalidOperationException or CudaException)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
    }
}
