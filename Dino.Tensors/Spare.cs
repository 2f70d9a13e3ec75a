namespace Dino.Tensors;

/// <summary>
/// How much more memory than its elements take a tensor holds. Where a step computes some samples of its batch and not others, their number changes from step to
/// step: with room for the whole batch, addresses stay, and blocks that are given back fit the next layer.
/// </summary>
/// <param name="Whole">Samples there is room for.</param>
/// <param name="Used">Samples there are; 0 of the default, which spares nothing.</param>
internal readonly record struct Spare(long Whole, long Used)
{
    /// <summary>That of a tensor.</summary>
    public static Spare Of(Tensor tensor)
    {
        ref TensorRecord record = ref tensor.Root.Record;
        return record.Room == record.Data.Bytes ? default : new(record.Room, record.Data.Bytes);
    }

    /// <summary>Bytes to hold for a tensor of so many.</summary>
    public long Room(long bytes) => Used == 0 ? bytes : (long)((Int128)bytes * Whole / Used);
}
