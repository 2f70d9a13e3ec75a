using System.Runtime.InteropServices;

namespace Dino.Tensors.Formats;

/// <summary>A NumPy array: element type, shape, and little-endian bytes in row-major (C) order.</summary>
public sealed class NpyArray
{
    internal NpyArray(string type, int[] shape, byte[] bytes) => (Type, Shape, Bytes) = (type, shape, bytes);

    /// <summary>NumPy's type name: &lt;f4, &lt;f8, &lt;f2, &lt;i4, &lt;i8, |u1 or |b1.</summary>
    public string Type { get; }

    /// <summary>Axis lengths; empty for a scalar.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The elements in row-major order, little-endian.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Number of elements.</summary>
    public int Count => Bytes.Length / NpyTypes.Size(Type);

    /// <summary>An array of float, double, Half, int, long, byte or bool values (copied).</summary>
    /// <param name="values">Row-major.</param>
    /// <param name="shape">Axis lengths; their product is the number of values.</param>
    /// <exception cref="NotSupportedException">Another element type.</exception>
    /// <exception cref="ShapeMismatchException">The shape asks for another number of values.</exception>
    public static NpyArray Create<T>(ReadOnlySpan<T> values, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        RequireLittleEndian();
        string type = NpyTypes.Name<T>();
        long count = 1;
        foreach (int length in shape)
            count = length >= 0 ? checked(count * length) : throw new ShapeMismatchException($"NpyArray.Create: an axis has the length {length}.");
        return count == values.Length
            ? new NpyArray(type, shape.ToArray(), MemoryMarshal.AsBytes(values).ToArray())
            : throw new ShapeMismatchException($"NpyArray.Create: shape [{string.Join(", ", shape.ToArray())}] holds {count} values, {values.Length} were given.");
    }

    /// <summary>The elements in their own type.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not the stored type.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        RequireLittleEndian();
        if (NpyTypes.SafetensorsName(NpyTypes.Name<T>()) != NpyTypes.SafetensorsName(Type))
            throw new InvalidOperationException($"The array holds {Type}, not {typeof(T).Name}; ToSingles converts.");
        return MemoryMarshal.Cast<byte, T>(Bytes.Span).ToArray();
    }

    /// <summary>The elements converted to F32.</summary>
    public float[] ToSingles()
    {
        if (Type == "<f4" && BitConverter.IsLittleEndian)
            return ToArray<float>();
        float[] values = new float[Count];
        SafetensorsTypes.ToSingles(NpyTypes.SafetensorsName(Type), Bytes.Span, values);
        return values;
    }

    /// <summary>Reads an .npy file of format version 1, 2 or 3. Fortran order is turned into C order.</summary>
    /// <exception cref="InvalidDataException">Not an .npy file, cut short, or of an element type that is not supported.</exception>
    public static NpyArray Load(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Read(stream);
    }

    /// <inheritdoc cref="Load"/>
    public static NpyArray Read(Stream stream) => NpyFormat.Read(stream);

    /// <summary>Writes an .npy file in place of any older one.</summary>
    public void Save(string path) => AtomicFile.Write(path, Write);

    /// <summary>Writes the array in .npy format version 1.</summary>
    public void Write(Stream stream) => NpyFormat.Write(stream, this);

    private static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException(".npy arrays are little-endian here; only ToSingles and Bytes work on this machine.");
    }
}
