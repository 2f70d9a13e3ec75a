using System.Runtime.InteropServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>
/// The primitives on the CPU at one vector width. Fused operations keep their composite defaults here, which makes this class the
/// oracle of <see cref="CpuBackend{V}"/>. Members are in <c>CpuPrimitives.*.cs</c>, loops in <c>Kernels</c> and <c>Gemm</c>.
/// </summary>
internal unsafe partial class CpuPrimitives<V>(WorkerPool pool) : Backend
    where V : struct, IVec<V>
{
    /// <summary>64 bytes: a cache line and an AVX-512 register.</summary>
    private const nuint Alignment = 64;

    protected WorkerPool Workers { get; } = pool;

    public override nint Allocate(long bytes)
    {
        GC.AddMemoryPressure(Math.Max(bytes, 1));
        if (bytes >= HugePages.WorthwhileBytes)
            return HugePages.Allocate((nuint)bytes);
        return (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
    }

    public override void Free(nint address, long bytes)
    {
        NativeMemory.AlignedFree((void*)address);
        GC.RemoveMemoryPressure(Math.Max(bytes, 1));
    }

    public override void Upload(ReadOnlySpan<byte> source, in View y) => source.CopyTo(new Span<byte>((void*)y.Address, checked((int)y.Bytes)));

    public override void Download(in View x, Span<byte> destination) => new ReadOnlySpan<byte>((void*)x.Address, checked((int)x.Bytes)).CopyTo(destination);
}

/// <summary>The CPU backend: the primitives plus fused kernels (in <c>CpuBackend.*.cs</c>).</summary>
internal sealed unsafe partial class CpuBackend<V>(WorkerPool pool) : CpuPrimitives<V>(pool)
    where V : struct, IVec<V>
{
    public override bool LeavesOutDropped => true;
}
