using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Dino.Cuda.Execution;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

/// <summary>Pictures and tables of views on their way to the kernels of a CUDA device.</summary>
internal sealed class CudaAugmentation(CudaBackend backend, CudaContext context, WorkQueue queue) : Augmentation
{
    private const int FirstTableBytes = 1 << 18;

    private nint _pictures;
    private long _pictureBytes;
    private nint _crops;
    private PageLockedMemory? _table;
    private int _used;
    private long _waits = -1;

    /// <inheritdoc/>
    public override IMemoryOwner<byte> AllocateHost(int bytes) => new PageLockedMemory(context, Math.Max(bytes, 1));

    /// <inheritdoc/>
    public override void Upload(ReadOnlySpan<ReadOnlyMemory<byte>> parts)
    {
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> part in parts)
            bytes += part.Length;
        if (bytes > _pictureBytes)
        {
            // Batches differ a little: a power of two is outgrown rarely, and growing waits for the device.
            long grown = (long)BitOperations.RoundUpToPowerOf2((ulong)bytes);
            Free(ref _pictures);
            _pictureBytes = 0;
            _pictures = context.Allocate(grown);
            _pictureBytes = grown;
        }

        nint target = _pictures;
        foreach (ReadOnlyMemory<byte> part in parts)
        {
            queue.UploadLocked(part.Span, target);
            target += part.Length;
        }
    }

    /// <inheritdoc/>
    public override void Make(ReadOnlySpan<PictureCrop> crops, in CropFormat format, in View y)
    {
        if (y.Count != 3L * crops.Length * format.Side * format.Side)
            throw new ShapeMismatchException($"{crops.Length} crops of {format.Side} x {format.Side} pixels fill [{crops.Length}, 3, {format.Side}, {format.Side}], not {y.Shape}.");
        if (crops.IsEmpty)
            return;
        Span<CropTask> tasks = Take(crops.Length);
        CropPlan plan = CropPlan.Of(crops, format, tasks);
        Span<byte> bytes = MemoryMarshal.AsBytes(tasks);
        // The kernels that read the tasks before are queued before the copy.
        queue.UploadLocked(bytes, _crops);
        backend.MakeCrops(_pictures, _crops, crops.Length, plan, format, y);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Free(ref _pictures);
        Free(ref _crops);
        ((IDisposable?)_table)?.Dispose();
        _table = null;
    }

    /// <summary>Memory for tasks from which no copy is under way.</summary>
    private unsafe Span<CropTask> Take(int count)
    {
        int bytes = checked(count * sizeof(CropTask));
        if (_waits != queue.Waits)
            (_waits, _used) = (queue.Waits, 0);
        if (_table is null || bytes > _table.Memory.Length - _used)
        {
            int grown = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(FirstTableBytes, checked(_used + bytes)));
            Free(ref _crops);
            ((IDisposable?)_table)?.Dispose();
            _table = null;
            _table = new PageLockedMemory(context, grown);
            _crops = context.Allocate(grown);
            (_waits, _used) = (queue.Waits, 0);
        }

        Span<byte> place = _table.GetSpan().Slice(_used, bytes);
        _used += bytes;
        return MemoryMarshal.Cast<byte, CropTask>(place);
    }

    /// <summary>Waits for the device, as everything that frees its memory does.</summary>
    private void Free(ref nint address)
    {
        if (address != 0)
            queue.Free(address);
        address = 0;
    }
}
