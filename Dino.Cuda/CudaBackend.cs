using Dino.Cuda.Native;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>
/// The CUDA backend. Every member queues kernels on one stream and returns; only <see cref="Download"/> waits. Members are in
/// <c>CudaBackend.*.cs</c>, their kernels in <c>Kernels/*.cu</c> under the same name.
/// </summary>
/// <remarks>A kernel has one parameter, a struct; its twin in C# has the same fields in the same order.</remarks>
internal sealed unsafe partial class CudaBackend(CudaContext context, CudaPrecision precision = CudaPrecision.FP32) : Backend
{
    /// <summary>Threads of a block where nothing speaks for another number.</summary>
    private const int BlockThreads = 256;

    /// <summary>Blocks of a grid that walks over its elements: enough to hide latency, few enough to start at once.</summary>
    private const int BlocksPerMultiprocessor = 8;

    private readonly KernelModules _kernels = new(context);

    /// <summary>Whether to wait after every launch, so that an error names the kernel that made it.</summary>
    private readonly bool _isSynchronous = Environment.GetEnvironmentVariable("DINO_CUDA_SYNC") is { Length: > 0 } and not "0";

    public override nint Allocate(long bytes) => context.Allocate(bytes);

    public override void Free(nint address, long bytes) => context.Free(address);

    public override void Upload(ReadOnlySpan<byte> source, in View y)
    {
        if (source.IsEmpty)
            return;
        context.MakeCurrent();
        // The driver has taken its copy of pageable memory when the call returns.
        fixed (byte* bytes = source)
            context.Driver.Check(context.Driver.cuMemcpyHtoDAsync(y.Address, bytes, (nuint)source.Length, context.Stream));
    }

    public override void Download(in View x, Span<byte> destination)
    {
        if (destination.IsEmpty)
            return;
        context.MakeCurrent();
        fixed (byte* bytes = destination)
        {
            context.Driver.Check(context.Driver.cuMemcpyDtoHAsync(bytes, x.Address, (nuint)destination.Length, context.Stream));
            context.Synchronize();
        }
    }

    public override void Synchronize() => context.Synchronize();

    /// <summary>Queues a kernel over a grid of any size along x, and up to 65535 along y and z.</summary>
    private void Launch<T>(Kernel kernel, in T arguments, (long X, int Y, int Z) blocks, int threads, int sharedBytes = 0)
        where T : unmanaged
    {
        context.MakeCurrent();
        DriverTable driver = context.Driver;
        nuint size = (nuint)sizeof(T);
        fixed (T* block = &arguments)
        {
            nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, (nint)block, LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
            CudaResult result = driver.cuLaunchKernel(
                kernel.Function, checked((uint)blocks.X), (uint)blocks.Y, (uint)blocks.Z, (uint)threads, 1, 1, (uint)sharedBytes, context.Stream, null, (void**)extra);
            if (result == CudaResult.Success && _isSynchronous)
                result = driver.cuStreamSynchronize(context.Stream);
            if (result != CudaResult.Success)
                driver.Check(result, $"driver.cuLaunchKernel({kernel.Name}, grid {blocks}, block {threads}, shared {sharedBytes})");
        }
    }

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
        _kernels.Dispose();
        context.Dispose();
    }
}
