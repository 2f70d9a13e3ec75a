using System.Runtime.InteropServices;
using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>
/// The CUDA backend. Every member queues kernels on one stream and returns; only <see cref="Download"/> waits. Members are in
/// <c>CudaBackend.*.cs</c>, their kernels in <c>Kernels/*.cu</c> under the same name.
/// </summary>
/// <remarks>A kernel has one parameter, a struct; its twin in C# has the same fields in the same order, and fields named Padding where C++ leaves gaps: repeated work compares arguments as bytes.</remarks>
internal sealed unsafe partial class CudaBackend(CudaContext context, WorkQueue queue, CudaPrecision precision, CublasLt? library) : Backend
{
    /// <summary>Threads of a block where nothing speaks for another number.</summary>
    private const int BlockThreads = 256;

    /// <summary>Blocks of a grid that walks over its elements: enough to hide latency, few enough to start at once.</summary>
    private const int BlocksPerMultiprocessor = 8;

    private readonly KernelModules _kernels = new(context);
    private readonly WorkQueue _queue = queue;
    private readonly SegmentTables _segments = new(context, queue);

    public CudaBackend(CudaContext context, CudaPrecision precision, CublasLt? library, bool isSynchronous)
        : this(context, new WorkQueue(context, isSynchronous), precision, library)
    {
    }

    public override DType InnerType => precision == CudaPrecision.BF16 ? DType.BF16 : DType.F32;

    public override nint Allocate(long bytes) => context.Allocate(bytes);

    public override void Free(nint address, long bytes) => _queue.Free(address);

    public override void Upload(ReadOnlySpan<byte> source, in View y) => _queue.Upload(source, y.Address);

    public override void Download(in View x, Span<byte> destination) => _queue.Download(x.Address, destination);

    public override void Synchronize() => _queue.Synchronize();

    public override Repetition CreateRepetition() => new RecordedWork(_queue);

    /// <summary>Queues a kernel over a grid of any size along x, and up to 65535 along y and z.</summary>
    private void Launch<T>(Kernel kernel, in T arguments, (long X, int Y, int Z) blocks, int threads, int sharedBytes = 0)
        where T : unmanaged =>
        _queue.Launch(kernel, new LaunchShape(checked((uint)blocks.X), (uint)blocks.Y, (uint)blocks.Z, (uint)threads, (uint)sharedBytes), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in arguments)));

    /// <inheritdoc cref="Launch{T}(Kernel, in T, ValueTuple{long, int, int}, int, int)"/>
    private void Launch<T>(Kernel kernel, in T arguments, long blocks, int threads = BlockThreads, int sharedBytes = 0)
        where T : unmanaged => Launch(kernel, arguments, (blocks, 1, 1), threads, sharedBytes);

    /// <summary>Queues a kernel whose threads walk over elements in steps of the whole grid.</summary>
    /// <param name="perThread">Elements a thread takes at a time.</param>
    private void LaunchOver<T>(Kernel kernel, in T arguments, long elements, int perThread = 1)
        where T : unmanaged
    {
        if (elements == 0)
            return;
        long wanted = (elements + (BlockThreads * perThread) - 1) / (BlockThreads * perThread);
        Launch(kernel, arguments, Math.Min(wanted, (long)context.Multiprocessors * BlocksPerMultiprocessor));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _segments.Dispose();
        library?.Dispose();
        _kernels.Dispose();
        context.Dispose();
    }
}
