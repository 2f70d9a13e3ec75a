using System.Numerics;
using System.Text;

namespace Dino.Tensors.Formats;

/// <summary>What the names of <see cref="PickleGlobal"/> do.</summary>
internal sealed partial class PickleMachine
{
    private PickleGlobal Resolve(string module, string name)
    {
        if (PickleGlobal.Find(module, name) is { } known)
            return known;
        string full = $"{module}.{name}";
        throw cursor.Place.Error($"the pickle asks for {full}, which is not tensors or plain data: it was refused, and nothing was executed. "
            + "If the file is one of yours, save plain data in its place: torch.save(model.state_dict(), path)", cursor.OperationStart, full);
    }

    private object? Call(PickleGlobal callee, TorchSequence arguments)
    {
        Charge(arguments.Count);
        switch (callee.Kind)
        {
            case PickleGlobalKind.Dictionary: return DictionaryOf(callee, arguments);
            case PickleGlobalKind.Namespace when arguments.Count == 0: return new TorchNamespace();
            case PickleGlobalKind.Path: return PathOf(callee, arguments);
            case PickleGlobalKind.List: return SequenceOf(callee, arguments, TorchSequenceKind.List);
            case PickleGlobalKind.Set: return SequenceOf(callee, arguments, TorchSequenceKind.Set);
            case PickleGlobalKind.Size: return SequenceOf(callee, arguments, TorchSequenceKind.Tuple);
            case PickleGlobalKind.Bytes when arguments.Count == 0: return Array.Empty<byte>();
            case PickleGlobalKind.Bytes when arguments is [byte[] bytes]: return bytes;
            case PickleGlobalKind.Bytes or PickleGlobalKind.Encode when arguments is [string text, string encoding]: return Encode(text, encoding);
            case PickleGlobalKind.Reconstruct when arguments is [PickleGlobal { Kind: PickleGlobalKind.Namespace }, PickleGlobal { Kind: PickleGlobalKind.PlainObject }, null]:
                return new TorchNamespace();
            case PickleGlobalKind.Device when arguments is [string device]: return new TorchSymbol(device);
            case PickleGlobalKind.Device when arguments is [string device, long index]: return new TorchSymbol($"{device}:{index}");

            // The trailing arguments say whether a gradient is wanted, and hold hooks, which torch.save leaves empty.
            case PickleGlobalKind.RebuildTensor when arguments is [TorchStorage storage, long first, TorchSequence shape, TorchSequence strides, ..] && arguments.Count is >= 4 and <= 7:
                return TensorOf(storage, first, shape, strides);
            case PickleGlobalKind.RebuildTensorOfType when arguments is [TorchStorage storage, long first, TorchSequence shape, TorchSequence strides, _, _, PickleGlobal { Kind: PickleGlobalKind.ElementType } type, ..]:
                return TensorOf(storage.As(type.Type), first, shape, strides);
            case PickleGlobalKind.RebuildParameter when arguments is [TorchTensor data, ..] && arguments.Count is 3 or 4: return data;
            case PickleGlobalKind.RebuildSubclass when arguments is [PickleGlobal function, PickleGlobal { Kind: PickleGlobalKind.TensorClass }, TorchSequence inner, _]
                && function.Kind is PickleGlobalKind.RebuildTensor or PickleGlobalKind.RebuildTensorOfType or PickleGlobalKind.RebuildParameter:
                return Call(function, inner);

            case PickleGlobalKind.NumpyType when arguments is [string code, ..]: return NumpyTypeOf(code);
            case PickleGlobalKind.NumpyScalar when arguments is [PickleNumpyType type, var data] && Raw(data) is { } bytes:
                return type.ReadScalar(bytes) ?? throw cursor.Error($"an element of {type} takes {type.Size} bytes, not {bytes.Length}");
            case PickleGlobalKind.NumpyReconstruct when arguments is [PickleGlobal { Kind: PickleGlobalKind.NumpyArrayClass }, TorchSequence, _]: return new TorchTensor();
            case PickleGlobalKind.NumpyFromBuffer when arguments is [byte[] bytes, PickleNumpyType type, TorchSequence shape, string order]:
                TorchTensor array = new();
                CompleteArray(array, type, shape, order == "F", bytes);
                return array;
            default:
                throw cursor.Error($"{callee.Name} is used with arguments that do not fit: ({string.Join(", ", arguments.Take(8).Select(Describe))})");
        }
    }

    /// <summary>Gives an object its state.</summary>
    private void Build(object? target, object? state)
    {
        switch (target)
        {
            case TorchNamespace space when state is TorchDictionary attributes:
                Charge(attributes.Count);
                foreach ((object name, object? value) in attributes)
                    space.Set(name, value);
                break;
            // Attributes of a state dictionary, such as the versions of modules under _metadata, and of a tensor: no values.
            case TorchDictionary or TorchTensor { IsComplete: true } when state is TorchDictionary or TorchSequence { Kind: TorchSequenceKind.Tuple }:
                break;
            case PickleNumpyType type when state is TorchSequence { Count: >= 2 } parts && parts[1] is string order:
                if (!type.TrySetOrder(order))
                    throw cursor.Error($"'{order}' is not a byte order of NumPy");
                break;
            case TorchTensor { IsComplete: false } array when state is TorchSequence parts && parts is [long, TorchSequence shape, PickleNumpyType type, bool isFortran, var data] && Raw(data) is { } bytes:
                CompleteArray(array, type, shape, isFortran, bytes);
                break;
            default:
                throw cursor.Error($"{Describe(target)} is given a state that does not fit: {Describe(state)}");
        }
    }

    private TorchStorage LoadStorage(object? id)
    {
        if (storages is null)
            throw cursor.Error("a storage is named where there are none");
        if (id is TorchSequence { Kind: TorchSequenceKind.Tuple } parts && parts is ["storage", PickleGlobal { Kind: PickleGlobalKind.Storage } type, string key, string, long count, ..] && count >= 0)
            return storages.Find(cursor, type.Type, key, count, parts.Count > 5 ? parts[5] : null);
        throw cursor.Error(id is TorchSequence { Count: > 0 } other && other[0] is "module"
            ? "the file holds a pickled module with its source code, which is refused. Save plain data in its place: torch.save(model.state_dict(), path)"
            : "a storage is not named as PyTorch does it");
    }

    private TorchTensor TensorOf(TorchStorage storage, long first, TorchSequence shape, TorchSequence strides)
    {
        TorchTensor tensor = new();
        return tensor.TryComplete(storage, first, Lengths(shape), Lengths(strides)) is { } problem ? throw cursor.Error(problem) : tensor;
    }

    private PickleNumpyType NumpyTypeOf(string code) =>
        PickleNumpyType.TryCreate(code) ?? throw cursor.Error($"NumPy's element type '{code}' is not supported: integers, floats and truth values are");

    private void CompleteArray(TorchTensor array, PickleNumpyType type, TorchSequence shape, bool isFortran, byte[] bytes)
    {
        long[] lengths = Lengths(shape), strides = new long[lengths.Length];
        Int128 count = 1;
        for (int i = 0; i < lengths.Length; i++)
        {
            int axis = isFortran ? i : lengths.Length - 1 - i;
            strides[axis] = (long)count;
            count *= Math.Max(0, lengths[axis]);
            if (count > bytes.Length)
                break;
        }

        if (count * type.Size != bytes.Length)
            throw cursor.Error($"a NumPy array [{string.Join(", ", lengths)}] of {type} has {bytes.Length} bytes");
        TorchStorage storage = new(cursor.Place, "array", type.Type, bytes.Length / type.Size, type.IsBigEndian) { Bytes = new MemoryBytes(bytes) };
        if (array.TryComplete(storage, 0, lengths, strides) is { } problem)
            throw cursor.Error(problem);
    }

    private long[] Lengths(TorchSequence sequence)
    {
        if (sequence.Count > TorchTensor.MaxRank)
            throw cursor.Error($"a tensor has {sequence.Count} axes; at most {TorchTensor.MaxRank} are read");
        long[] lengths = new long[sequence.Count];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = sequence[i] is long length ? length : throw Unexpected("an axis length", sequence[i]);
        return lengths;
    }

    private TorchDictionary DictionaryOf(PickleGlobal callee, TorchSequence arguments)
    {
        TorchDictionary result = new();
        switch (arguments)
        {
            case []:
                break;
            case [TorchDictionary source]:
                Charge(source.Count);
                foreach ((object key, object? value) in source)
                    result.Set(key, value);
                break;
            case [TorchSequence pairs]:
                Charge(pairs.Count);
                foreach (object? item in pairs)
                {
                    if (item is not TorchSequence { Count: 2 } pair)
                        throw Unexpected("a pair of key and value", item);
                    Set(result, pair[0], pair[1]);
                }

                break;
            default:
                throw cursor.Error($"{callee.Name} is used with arguments that do not fit");
        }

        return result;
    }

    /// <summary>A path as text: its parts, of which a root ends in a separator of its own.</summary>
    private string PathOf(PickleGlobal callee, TorchSequence parts)
    {
        char separator = callee.Name.Contains("Windows", StringComparison.Ordinal) ? '\\' : '/';
        StringBuilder path = new();
        foreach (object? item in parts)
        {
            string part = item as string ?? throw Unexpected("a part of a path", item);
            ChargeBytes(part.Length);
            if (path.Length > 0 && path[^1] != separator)
                path.Append(separator);
            path.Append(part);
        }

        return path.ToString();
    }

    private TorchSequence SequenceOf(PickleGlobal callee, TorchSequence arguments, TorchSequenceKind kind)
    {
        switch (arguments)
        {
            case []:
                return new TorchSequence(kind, []);
            case [TorchSequence source]:
                Charge(source.Count);
                return new TorchSequence(kind, [.. source]);
            default:
                throw cursor.Error($"{callee.Name} is used with arguments that do not fit");
        }
    }

    /// <summary>Bytes written as text, one character each: how protocol 2 holds them.</summary>
    private byte[] Encode(string text, string encoding)
    {
        if (encoding is not ("latin1" or "latin-1"))
            throw cursor.Error($"text is to be encoded as '{encoding}'; pickles hold bytes as latin1");
        ChargeBytes(text.Length);
        byte[] bytes = new byte[text.Length];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = text[i] <= byte.MaxValue ? (byte)text[i] : throw cursor.Error("text that stands for bytes holds a character beyond latin1");
        return bytes;
    }

    /// <summary>Bytes, which Python 2 wrote as a string; null for anything else.</summary>
    private byte[]? Raw(object? data)
    {
        if (data is not string text)
            return data as byte[];
        ChargeBytes(text.Length);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>Counts bytes that are made of text: the same text may be asked for again and again.</summary>
    private void ChargeBytes(int count)
    {
        _converted += count;
        if (_converted > limits.MaxPickleBytes)
            throw cursor.Error($"the pickle makes more than {limits.MaxPickleBytes} bytes (TorchFileLimits.MaxPickleBytes)");
    }

    private TorchSequence AsTuple(object? arguments) => arguments as TorchSequence is { Kind: TorchSequenceKind.Tuple } tuple ? tuple : throw Unexpected("a tuple of arguments", arguments);
}

/// <summary>Where the tensors of a pickle have their storages.</summary>
internal interface ITorchStorages
{
    /// <summary>The storage of a key.</summary>
    /// <param name="cursor">For errors.</param>
    /// <param name="type">Element type under its safetensors name.</param>
    /// <param name="key">As the pickle names it.</param>
    /// <param name="count">Number of elements.</param>
    /// <param name="view">In the older format, the part of the storage that is meant.</param>
    TorchStorage Find(PickleCursor cursor, string type, string key, long count, object? view);
}
