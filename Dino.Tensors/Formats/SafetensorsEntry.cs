namespace Dino.Tensors.Formats;

/// <summary>One tensor of a safetensors file: element type as the format names it, shape, and where its bytes are.</summary>
/// <param name="Name">Key in the file.</param>
/// <param name="Type">The format's type name: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL ...</param>
/// <param name="Shape">Axis lengths; empty for a scalar.</param>
/// <param name="Offset">First byte in the file.</param>
/// <param name="Length">Number of bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, length) => product * length);
}
