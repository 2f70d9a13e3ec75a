using System.Buffers.Binary;
using System.Numerics;

namespace Dino.Tensors.Formats;

/// <summary>A NumPy element type in a pickle; its byte order arrives after it was made.</summary>
internal sealed class PickleNumpyType : TorchSymbol
{
    private PickleNumpyType(string code, string type)
        : base($"numpy.dtype('{code}')") => (Type, Size) = (type, SafetensorsTypes.Size(type));

    /// <summary>The safetensors name.</summary>
    public string Type { get; }

    public int Size { get; }

    public bool IsBigEndian { get; private set; }

    /// <summary>The type of a code such as f8, with or without a byte order in front; null for one that is not supported.</summary>
    public static PickleNumpyType? TryCreate(string code)
    {
        string bare = code.TrimStart('<', '>', '=', '|');
        string? type = bare switch
        {
            "f8" => "F64",
            "f4" => "F32",
            "f2" => "F16",
            "i8" => "I64",
            "i4" => "I32",
            "i2" => "I16",
            "i1" => "I8",
            "u8" => "U64",
            "u4" => "U32",
            "u2" => "U16",
            "u1" => "U8",
            "b1" => "BOOL",
            _ => null,
        };
        return type is null ? null : new PickleNumpyType(bare, type) { IsBigEndian = code.StartsWith('>') };
    }

    /// <summary>Takes a byte order as NumPy writes it: less, greater, or none for single bytes.</summary>
    public bool TrySetOrder(string order)
    {
        if (order is not ("<" or ">" or "|" or "="))
            return false;
        IsBigEndian = order == ">";
        return true;
    }

    /// <summary>The value of one element, or null if these are not its bytes.</summary>
    public object? ReadScalar(byte[] bytes)
    {
        if (bytes.Length != Size)
            return null;
        ReadOnlySpan<byte> little = IsBigEndian ? [.. bytes.Reverse()] : bytes;
        return Type switch
        {
            "BOOL" => (object)(little[0] != 0),
            "F64" or "F32" or "F16" => SafetensorsTypes.ToDouble(Type, little),
            "U64" when BinaryPrimitives.ReadUInt64LittleEndian(little) is var large and > long.MaxValue => (BigInteger)large,
            "U64" => (long)BinaryPrimitives.ReadUInt64LittleEndian(little),
            "I64" => BinaryPrimitives.ReadInt64LittleEndian(little),
            // At most 32 bits, which a double holds exactly.
            _ => (long)SafetensorsTypes.ToDouble(Type, little),
        };
    }
}
