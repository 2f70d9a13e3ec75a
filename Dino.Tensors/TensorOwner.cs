using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>What is known of one tensor: its memory, its gradient and whether anybody wants that gradient.</summary>
internal struct TensorRecord
{
    /// <summary>Data; contiguous.</summary>
    public View Data;

    /// <summary>Bytes of memory held for the data, and for its gradient: more than they take where the number of samples changes from step to step.</summary>
    public long Room;

    /// <summary>Memory of the gradient, 0 while there is none.</summary>
    public nint Gradient;

    /// <summary>Distinguishes this tensor from earlier ones in the same slot: a stale handle carries another stamp.</summary>
    public uint Stamp;

    /// <summary>The tensor whose memory and gradient this one shows under another shape or in another scope; none for most.</summary>
    public Tensor Root;

    public bool RequiresGradient;

    /// <summary>The gradient memory holds a value.</summary>
    public bool HasGradient;

    /// <summary>Made by a recorded function: its gradient is released as soon as that function has used it.</summary>
    public bool IsIntermediate;

    public bool RetainsGradient;

    /// <summary>A recorded function will read the value in its backward, or another tensor shows the same memory: it stays.</summary>
    public bool IsSaved;

    /// <summary>The memory was given back early; Backward computes the value again.</summary>
    public bool IsReleased;

    /// <summary>Released, and computed again by the Backward that is running.</summary>
    public bool IsRestored;

    /// <summary>The recorded function that made this tensor, if any.</summary>
    public Autograd.Function? Maker;

    /// <summary>Backward has run and the function that made this tensor is no longer recorded: a gradient that got here would be lost.</summary>
    public bool IsForgotten;
}

/// <summary>Owner of tensor memory: a <see cref="Scope"/> or a <see cref="TensorStore"/>; nothing else owns any.</summary>
public abstract class TensorOwner
{
    private TensorRecord[] _records = new TensorRecord[64];
    private uint _stamp;

    private protected TensorOwner(Device device) => Device = device;

    /// <summary>Where the tensors live.</summary>
    public Device Device { get; }

    internal int Count { get; private set; }

    /// <summary>How errors call this owner.</summary>
    internal abstract string Label { get; }

    internal Tensor Add(in View data, bool requiresGradient)
    {
        if (Count == _records.Length)
            Array.Resize(ref _records, _records.Length * 2);
        _records[Count] = new TensorRecord { Data = data, Room = data.Bytes, Stamp = ++_stamp, RequiresGradient = requiresGradient };
        return new Tensor(this, Count++, _stamp);
    }

    /// <summary>Forgets the tensors added since there were <paramref name="count"/>; their handles become stale.</summary>
    internal void Truncate(int count) => Count = count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref TensorRecord Resolve(int slot, uint stamp)
    {
        if ((uint)slot >= (uint)Count || _records[slot].Stamp != stamp)
            ThrowStale();
        return ref _records[slot];
    }

    internal ref TensorRecord At(int slot) => ref _records[slot];

    /// <summary>Memory for the gradient of a tensor of this owner, uninitialised.</summary>
    internal abstract nint TakeGradient(int slot);

    private void ThrowStale() =>
        throw new ObjectDisposedException(Label, $"This tensor was in {Label}, which has been closed since (or a frame of it has). Copy results out before closing: ToArray(), or CopyTo a tensor that lives longer.");
}
