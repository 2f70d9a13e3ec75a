using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;
using Dino.Tensors.Cpu.Gemm;

namespace Dino.Tensors;

/// <summary>The CPU. Results are bitwise equal for any thread count at a given vector width.</summary>
public sealed class CpuDevice : Device
{
    private static readonly Lazy<CpuDevice> SharedDevice = new(() => new CpuDevice());
    private readonly WorkerPool _pool;

    /// <summary>A CPU device with its own worker threads.</summary>
    /// <param name="threads">Threads that compute, the caller's included; 0 means one per core.</param>
    /// <param name="width">Vector width; narrower ones than the machine's are for tests.</param>
    /// <param name="fused">False computes fused operations from primitives, the reference the fused kernels are tested against.</param>
    public CpuDevice(int threads = 0, VectorWidth width = VectorWidth.Widest, bool fused = true)
        : this(new WorkerPool(threads > 0 ? threads : Environment.ProcessorCount), Resolve(width), fused)
    {
    }

    private CpuDevice(WorkerPool pool, VectorWidth width, bool fused)
        : base(CreateBackend(pool, width, fused)) => (_pool, Width) = (pool, width);

    /// <summary>One device for programs that need no more than one. Disposing it does nothing.</summary>
    public static CpuDevice Shared => SharedDevice.Value;

    /// <summary>Vector width in use.</summary>
    public VectorWidth Width { get; }

    /// <summary>Threads that compute.</summary>
    public int Threads => _pool.Threads;

    /// <summary>The instruction set in use, for reports.</summary>
    public string InstructionSet => Width switch
    {
        VectorWidth.V512 => Vector512.IsHardwareAccelerated ? "AVX-512" : "512-bit, emulated",
        VectorWidth.V256 => Fma.IsSupported ? "AVX2 + FMA" : Vector256.IsHardwareAccelerated ? "AVX2" : "256-bit, emulated",
        _ => Vector128.IsHardwareAccelerated ? "128-bit" : "scalar",
    };

    /// <summary>The instructions that multiply weights stored as int8, for reports: with AVX-VNNI they are faster than floats, otherwise they only save memory.</summary>
    /// <remarks>The first of these that the width and the processor allow, which is what the packed product takes; all give the same integers.</remarks>
    public string Int8InstructionSet =>
        Width >= VectorWidth.V256 && VnniBytes.IsSupported ? "AVX-VNNI"
        : Width >= VectorWidth.V256 && Avx2Bytes.IsSupported ? "AVX2"
        : Ssse3Bytes.IsSupported ? "SSSE3"
        : "32-bit products";

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The shared device belongs to the process: a stray using must not take it from everybody else.
        if (SharedDevice.IsValueCreated && ReferenceEquals(this, SharedDevice.Value))
            return;
        base.Dispose(disposing);
        _pool.Dispose();
    }

    private static VectorWidth Resolve(VectorWidth width) =>
        width != VectorWidth.Widest ? width
        : Vector512.IsHardwareAccelerated ? VectorWidth.V512
        : Vector256.IsHardwareAccelerated ? VectorWidth.V256
        : VectorWidth.V128;

    private static Backend CreateBackend(WorkerPool pool, VectorWidth width, bool fused) => (width, fused) switch
    {
        (VectorWidth.V512, true) => new CpuBackend<Vec512>(pool),
        (VectorWidth.V512, false) => new CpuPrimitives<Vec512>(pool),
        (VectorWidth.V256, true) => new CpuBackend<Vec256>(pool),
        (VectorWidth.V256, false) => new CpuPrimitives<Vec256>(pool),
        (_, true) => new CpuBackend<Vec128>(pool),
        (_, false) => new CpuPrimitives<Vec128>(pool),
    };
}
