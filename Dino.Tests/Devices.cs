using Dino.Tensors;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests;

/// <summary>The ways to compute that every operation is tested in. A test makes its own device: devices are not shared between threads.</summary>
public static class Devices
{
    public static TheoryData<string> All => [.. Names];

    public static IReadOnlyList<string> Names { get; } = ["cpu-512", "cpu-256", "cpu-128", "composite", "cuda"];

    /// <summary>A device by name; two threads, so that work is really split.</summary>
    public static Device Create(string name) => name switch
    {
        "cpu-512" => new CpuDevice(2, VectorWidth.V512),
        "cpu-256" => new CpuDevice(2, VectorWidth.V256),
        "cpu-128" => new CpuDevice(1, VectorWidth.V128),
        "composite" => new CpuDevice(2, VectorWidth.Widest, fused: false),
        "cuda" => EmulatedHost.OpenDevice(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such device."),
    };
}
