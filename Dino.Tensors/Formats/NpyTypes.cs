namespace Dino.Tensors.Formats;

/// <summary>NumPy's names of the element types that are read and written.</summary>
internal static class NpyTypes
{
    /// <summary>Bytes of one element; 0 for a type that is not supported.</summary>
    public static int Size(string type) => type switch
    {
        "<f8" or "<i8" => 8,
        "<f4" or "<i4" => 4,
        "<f2" => 2,
        "|u1" or "|b1" or "<u1" or "<b1" => 1,
        _ => 0,
    };

    public static string Name<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? "<f4"
        : typeof(T) == typeof(double) ? "<f8"
        : typeof(T) == typeof(Half) ? "<f2"
        : typeof(T) == typeof(int) ? "<i4"
        : typeof(T) == typeof(long) ? "<i8"
        : typeof(T) == typeof(byte) ? "|u1"
        : typeof(T) == typeof(bool) ? "|b1"
        : throw new NotSupportedException($"{typeof(T)} has no .npy type here; use float, double, Half, int, long, byte or bool.");

    /// <summary>The name of the same type in the safetensors format, whose conversions serve both.</summary>
    public static string SafetensorsName(string type) => type switch
    {
        "<f8" => "F64",
        "<f4" => "F32",
        "<f2" => "F16",
        "<i8" => "I64",
        "<i4" => "I32",
        "|b1" or "<b1" => "BOOL",
        _ => "U8",
    };
}
