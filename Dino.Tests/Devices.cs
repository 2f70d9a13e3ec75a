using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests;

/// <summary>The ways to compute that every operation is tested in. A test makes its own device: devices are not shared between threads.</summary>
public static class Devices
{
    /// <summary>Whether <c>cuda</c> is a GPU of this machine, as <c>DINO_TEST_CUDA=device</c> asks for, instead of the emulator.</summary>
    public static bool HasGpu { get; } = Environment.GetEnvironmentVariable("DINO_TEST_CUDA") == "device";

    // A context ends with its last user and takes long to make: while this one stays open, tests share it.
    private static readonly Lazy<CudaContext> s_context = new(() => CudaDevices.Find().OpenContext(0));

    public static TheoryData<string> All => [.. Names];

    public static IReadOnlyList<string> Names { get; } = ["cpu-512", "cpu-256", "cpu-128", "composite", "cuda"];

    /// <summary>Those with kernels that nothing else shares: one CPU and the GPU. For cases that are whole networks.</summary>
    public static IReadOnlyList<string> Main { get; } = ["cpu-512", "cuda"];

    /// <summary>Every case on every one of some devices.</summary>
    public static TheoryData<string, string> With(IEnumerable<string> cases, IReadOnlyList<string>? names = null)
    {
        TheoryData<string, string> data = [];
        foreach (string id in cases)
        {
            foreach (string name in names ?? Names)
                data.Add(id, name);
        }

        return data;
    }

    /// <summary>A device by name; two threads, so that work is really split.</summary>
    public static Device Create(string name) => name switch
    {
        "cpu-512" => new CpuDevice(2, VectorWidth.V512),
        "cpu-256" => new CpuDevice(2, VectorWidth.V256),
        "cpu-128" => new CpuDevice(1, VectorWidth.V128),
        "composite" => new CpuDevice(2, VectorWidth.Widest, fused: false),
        "cuda" => OpenCuda(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such device."),
    };

    /// <summary>The device called <c>cuda</c>.</summary>
    internal static CudaDevice OpenCuda(CudaPrecision precision = CudaPrecision.FP32)
    {
        if (!HasGpu)
            return new CudaDevice(CudaDevices.Find(new EmulatedHost(new EmulatedMachine())), 0, precision);
        _ = s_context.Value;
        return new CudaDevice(0, precision);
    }
}
