using System.Globalization;
using Dino.Cuda;
using Dino.Tensors;

namespace Dino.Benchmarks.Peers.Own;

/// <summary>Where a workload runs, as its arguments say it: the threads of a CPU, or <c>cuda:</c> and a precision.</summary>
internal static class WorkloadDevice
{
    public const string Cuda = "cuda:";

    public static Device Open(string text) => text.StartsWith(Cuda, StringComparison.Ordinal)
        ? new CudaDevice(0, Enum.Parse<CudaPrecision>(text.AsSpan(Cuda.Length), ignoreCase: true))
        : new CpuDevice(int.Parse(text, CultureInfo.InvariantCulture));
}
