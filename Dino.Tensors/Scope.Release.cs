using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Early release: memory goes back when the forward pass is done with a value, and Backward computes again what is cheap to compute.</summary>
public sealed partial class Scope
{
    /// <summary>Gives back the memory of a tensor, unless a backward needs the value and cannot compute it again.</summary>
    internal void Release(Tensor root)
    {
        ref TensorRecord record = ref root.Record;
        bool isNeeded = record.IsSaved || record.Maker is { ReadsOutput: true };
        if (record.IsReleased || (isNeeded && (record.IsForgotten || record.Maker is not { CanRecompute: true })))
            return;
        ReleaseMemory(ref record);
    }

    /// <summary>Computes a released value again, until the function that made it has run backward.</summary>
    internal View Restore(int slot)
    {
        ref TensorRecord record = ref At(slot);
        if (!_isInBackward || record.IsForgotten || record.Maker is not { CanRecompute: true } maker)
            throw new InvalidOperationException($"The tensor {record.Data.Shape} was released: its memory has been given back. Use it before Release().");
        if (!IsInFrame(slot))
            throw new InvalidOperationException($"Backward inside a frame needs the tensor {record.Data.Shape}, which was released before the frame. Release it after the frame, or call Backward outside it.");
        record.Data = record.Data with { Address = _arena.Take(record.Room) };
        (record.IsReleased, record.IsRestored) = (false, true);
        maker.Recompute(Backend, record.Data);
        return record.Data;
    }

    /// <summary>After the function that made it: nobody reads a restored value any more.</summary>
    internal void ReleaseRestored(Tensor output)
    {
        ref TensorRecord record = ref output.Record;
        if (record.IsRestored)
            ReleaseMemory(ref record);
    }

    private void ReleaseMemory(ref TensorRecord record)
    {
        _arena.Recycle(record.Data.Address, record.Room);
        record.Data = record.Data with { Address = 0 };
        (record.IsReleased, record.IsRestored) = (true, false);
    }
}
