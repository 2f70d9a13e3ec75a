using System.Buffers;

namespace Dino.Tensors.Backends;

/// <summary>
/// Makes views of decoded pictures on a device, equal to those of the CPU in every byte before normalisation, and in every float after it (of which a
/// device may make 0 of subnormal ones, which no usual mean and deviation give). All but <see cref="AllocateHost"/> is for one thread, outside of a
/// <see cref="Repetition"/>: how much is copied changes from batch to batch.
/// </summary>
public abstract class Augmentation : IDisposable
{
    /// <summary>Host memory from which the device copies by itself while the host goes on. Any thread may ask for it and dispose it, before the device is.</summary>
    /// <param name="bytes">At least so many.</param>
    public abstract IMemoryOwner<byte> AllocateHost(int bytes);

    /// <summary>Begins a batch: queues the copy of its pictures, which take the place of those before.</summary>
    /// <param name="parts">Memory of <see cref="AllocateHost"/>, one part behind the other; it must not change before the device has been waited for.</param>
    public abstract void Upload(ReadOnlySpan<ReadOnlyMemory<byte>> parts);

    /// <summary>Queues the making of views of the pictures uploaded last.</summary>
    /// <param name="crops">The views; boxes lie inside their pictures.</param>
    /// <param name="format">What they have in common.</param>
    /// <param name="y">[crops, 3, side, side].</param>
    public abstract void Make(ReadOnlySpan<PictureCrop> crops, in CropFormat format, in View y);

    /// <summary>Frees memory, after all work queued before.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what it holds.</summary>
    protected abstract void Dispose(bool disposing);
}
