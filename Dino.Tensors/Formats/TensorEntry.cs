namespace Dino.Tensors.Formats;

/// <summary>One tensor of a file.</summary>
/// <param name="Name">Key in the file.</param>
/// <param name="Type">Element type as safetensors names it: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL ...</param>
/// <param name="Shape">Axis lengths; empty for a scalar.</param>
public sealed record TensorEntry(string Name, string Type, IReadOnlyList<long> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, length) => product * length);

    /// <summary>Bytes of the elements, side by side.</summary>
    public long Length => Count * SafetensorsTypes.Size(Type);

    /// <summary>Axis lengths as errors and listings show them: [8, 197, 384].</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
