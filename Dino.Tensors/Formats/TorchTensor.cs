namespace Dino.Tensors.Formats;

/// <summary>A tensor, or a NumPy array, of a PyTorch file. Its values stay in the file until they are read, and can be read while that is open.</summary>
public sealed class TorchTensor
{
    /// <summary>More axes than PyTorch or NumPy allow.</summary>
    internal const int MaxRank = 64;

    private long[] _shape = [], _strides = [];
    private TorchStorage? _storage;

    internal TorchTensor()
    {
    }

    /// <summary>Element type as safetensors names it: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL, ...</summary>
    public string Type => Storage.Type;

    /// <summary>Axis lengths; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape => _shape;

    /// <summary>Steps between neighbours along each axis of the storage, in elements. 0 repeats an element.</summary>
    public IReadOnlyList<long> Strides => _strides;

    /// <summary>Number of elements.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the elements lie in the storage one after the other in row-major order.</summary>
    public bool IsContiguous { get; private set; }

    internal bool IsComplete => _storage is not null;

    internal TorchStorage Storage => _storage ?? throw new InvalidOperationException("The array has no content.");

    /// <summary>First element in the storage.</summary>
    internal long FirstElement { get; private set; }

    internal long Bytes => Count * Storage.ElementSize;

    /// <summary>The elements in row-major order, little-endian.</summary>
    /// <exception cref="TorchFileException">The data is damaged.</exception>
    public byte[] ReadRaw()
    {
        if (Bytes > Array.MaxLength)
            throw Storage.Error($"a tensor of {Bytes} bytes exceeds what one array holds");
        if (!IsContiguous)
            return Gather();
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)Bytes);
        Storage.Read(FirstElement * Storage.ElementSize, bytes);
        return bytes;
    }

    /// <summary>The elements in row-major order, widened or narrowed to F32.</summary>
    /// <exception cref="TorchFileException">The data is damaged.</exception>
    public float[] ReadSingles()
    {
        float[] values = new float[Count];
        SafetensorsTypes.ToSingles(Type, ReadRaw(), values);
        return values;
    }

    /// <summary>Gives the tensor its content.</summary>
    /// <param name="storage">Where the elements are.</param>
    /// <param name="first">First element.</param>
    /// <param name="shape">Axis lengths.</param>
    /// <param name="strides">One for each axis.</param>
    /// <returns>What is wrong with these numbers, or null: then every element lies inside the storage.</returns>
    internal string? TryComplete(TorchStorage storage, long first, long[] shape, long[] strides)
    {
        if (shape.Length != strides.Length)
            return $"a tensor has {shape.Length} axes and {strides.Length} strides";
        Int128 count = 1, last = first;
        bool isContiguous = true;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            if (shape[axis] < 0 || strides[axis] < 0)
                return $"a tensor [{string.Join(", ", shape)}] with strides [{string.Join(", ", strides)}] has a negative number";
            // The stride of an axis of one element is never used.
            isContiguous &= shape[axis] == 1 || strides[axis] == count;
            count *= shape[axis];
            last += (Int128)Math.Max(0, shape[axis] - 1) * strides[axis];
            if (count > long.MaxValue / 8 || last > long.MaxValue / 8)
                return $"a tensor [{string.Join(", ", shape)}] with strides [{string.Join(", ", strides)}] is larger than any file";
        }

        if (first < 0 || (count == 0 ? first > storage.Count : last >= storage.Count))
            return $"a tensor [{string.Join(", ", shape)}] with strides [{string.Join(", ", strides)}] from element {first} on reaches outside its storage '{storage.Key}' of {storage.Count} elements";
        (_storage, FirstElement, _shape, _strides) = (storage, first, shape, strides);
        (Count, IsContiguous) = ((long)count, isContiguous || count == 0);
        return null;
    }

    /// <summary>Collects elements that are not side by side.</summary>
    private byte[] Gather()
    {
        int size = Storage.ElementSize, rank = _shape.Length;
        long span = 1;
        for (int axis = 0; axis < rank; axis++)
            span += (_shape[axis] - 1) * _strides[axis];
        if (span * size > Array.MaxLength)
            throw Storage.Error($"a tensor [{string.Join(", ", _shape)}] with strides [{string.Join(", ", _strides)}] is spread over {span * size} bytes, more than one array holds");
        byte[] source = GC.AllocateUninitializedArray<byte>((int)(span * size));
        Storage.Read(FirstElement * size, source);
        byte[] result = GC.AllocateUninitializedArray<byte>((int)Bytes);
        long[] index = new long[rank];
        long from = 0;
        for (int to = 0; to < result.Length; to += size)
        {
            source.AsSpan((int)from, size).CopyTo(result.AsSpan(to));
            // Counts up like an odometer, last axis fastest.
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                from += _strides[axis] * size;
                if (++index[axis] < _shape[axis])
                    break;
                from -= _strides[axis] * size * _shape[axis];
                index[axis] = 0;
            }
        }

        return result;
    }
}
