namespace Dino.Tensors.Formats;

/// <summary>A run of elements of a tensor of a <see cref="TensorView"/>: all those of a tensor of the source, or zeros.</summary>
/// <param name="Source">Name in the source; null for zeros.</param>
/// <param name="Count">Number of elements.</param>
public readonly record struct TensorPart(string? Source, long Count)
{
    /// <summary>All elements of a tensor of the source.</summary>
    public static TensorPart Of(TensorEntry entry) => new(entry.Name, entry.Count);

    /// <summary>Zeros of the type of the parts beside them.</summary>
    public static TensorPart Zeros(long count) => new(null, count);
}
