using System.Buffers;

namespace Dino.Cuda.Native;

/// <summary>Host memory that the system keeps in its place, so that the device copies from it without the host.</summary>
internal sealed unsafe class PageLockedMemory : MemoryManager<byte>
{
    private readonly CudaContext _context;
    private readonly int _length;
    private byte* _address;

    /// <param name="context">The context of the device.</param>
    /// <param name="bytes">At least 1.</param>
    /// <exception cref="CudaException">The system cannot lock so much.</exception>
    public PageLockedMemory(CudaContext context, int bytes)
    {
        (_context, _length) = (context, bytes);
        context.MakeCurrent();
        void* memory;
        CudaResult result = context.Driver.cuMemAllocHost(&memory, (nuint)bytes);
        if (result == CudaResult.OutOfMemory)
            throw new CudaException($"cuMemAllocHost of {bytes / (double)(1 << 20):N1} MiB", (int)result, "CUDA_ERROR_OUT_OF_MEMORY", "the system does not lock so much of its memory for the device. Use --augment cpu, lower --batch-size, or free memory of the machine");
        context.Driver.Check(result, $"driver.cuMemAllocHost({bytes})");
        _address = (byte*)memory;
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_address is null, this);
        return new Span<byte>(_address, _length);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new(_address + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (_address is null)
            return;
        _context.MakeCurrent();
        _context.Driver.cuMemFreeHost(_address);
        _address = null;
    }
}
