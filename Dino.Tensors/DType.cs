namespace Dino.Tensors;

/// <summary>Element type of a tensor. Arithmetic runs in <see cref="F32"/>; the others are storage and index types.</summary>
public enum DType : byte
{
    /// <summary>32-bit IEEE float.</summary>
    F32,

    /// <summary>16-bit brain float: the upper half of an F32.</summary>
    BF16,

    /// <summary>16-bit IEEE float.</summary>
    F16,

    /// <summary>32-bit signed integer, the index type.</summary>
    I32,

    /// <summary>8-bit unsigned integer: pixels and masks.</summary>
    U8,
}

/// <summary>Sizes of element types.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.BF16 or DType.F16 => 2,
        DType.U8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
    };
}
