using System.Collections.Frozen;

namespace Dino.Tensors.Formats;

/// <summary>What a name in a pickle stands for here.</summary>
internal enum PickleGlobalKind
{
    Dictionary,
    Namespace,
    Path,
    List,
    Set,
    Bytes,
    PlainObject,
    Encode,
    Reconstruct,
    Size,
    Device,
    TensorClass,
    ElementType,
    Storage,
    RebuildTensor,
    RebuildTensorOfType,
    RebuildParameter,
    RebuildSubclass,
    NumpyType,
    NumpyArrayClass,
    NumpyScalar,
    NumpyReconstruct,
    NumpyFromBuffer,
}

/// <summary>
/// A name that pickles may use. This list is the whole vocabulary: a name is looked up here and nowhere else, so that no file can reach code. Each
/// entry is carried out by this library, on values of this library.
/// </summary>
internal sealed class PickleGlobal : TorchSymbol
{
    private static readonly FrozenDictionary<string, PickleGlobal> s_known = All().ToFrozenDictionary(known => known.Name, StringComparer.Ordinal);

    private PickleGlobal(string name, PickleGlobalKind kind, string type = "")
        : base(name) => (Kind, Type) = (kind, type);

    public PickleGlobalKind Kind { get; }

    /// <summary>Element type of a storage or of an element type, under its safetensors name.</summary>
    public string Type { get; }

    /// <summary>The global of that name, or null if pickles may not use it.</summary>
    public static PickleGlobal? Find(string module, string name) => s_known.GetValueOrDefault($"{ModernModule(module)}.{name}");

    /// <summary>Modules that moved between versions of Python and NumPy.</summary>
    private static string ModernModule(string module) => module switch
    {
        "__builtin__" => "builtins",
        "copy_reg" => "copyreg",
        "pathlib._local" => "pathlib",
        "numpy._core.multiarray" => "numpy.core.multiarray",
        "numpy._core.numeric" => "numpy.core.numeric",
        _ => module,
    };

    private static IEnumerable<PickleGlobal> All()
    {
        yield return new("collections.OrderedDict", PickleGlobalKind.Dictionary);
        yield return new("collections.Counter", PickleGlobalKind.Dictionary);
        yield return new("builtins.dict", PickleGlobalKind.Dictionary);
        yield return new("builtins.list", PickleGlobalKind.List);
        yield return new("builtins.set", PickleGlobalKind.Set);
        yield return new("builtins.frozenset", PickleGlobalKind.Set);
        yield return new("builtins.bytes", PickleGlobalKind.Bytes);
        yield return new("builtins.bytearray", PickleGlobalKind.Bytes);
        yield return new("builtins.object", PickleGlobalKind.PlainObject);
        yield return new("argparse.Namespace", PickleGlobalKind.Namespace);
        // What the official code's launcher leaves among the arguments.
        foreach (string name in (string[])["PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"])
            yield return new($"pathlib.{name}", PickleGlobalKind.Path);
        yield return new("_codecs.encode", PickleGlobalKind.Encode);
        yield return new("copyreg._reconstructor", PickleGlobalKind.Reconstruct);

        yield return new("torch.Size", PickleGlobalKind.Size);
        yield return new("torch.device", PickleGlobalKind.Device);
        yield return new("torch.Tensor", PickleGlobalKind.TensorClass);
        yield return new("torch.nn.parameter.Parameter", PickleGlobalKind.TensorClass);
        yield return new("torch._utils._rebuild_tensor", PickleGlobalKind.RebuildTensor);
        yield return new("torch._utils._rebuild_tensor_v2", PickleGlobalKind.RebuildTensor);
        yield return new("torch._utils._rebuild_tensor_v3", PickleGlobalKind.RebuildTensorOfType);
        yield return new("torch._utils._rebuild_parameter", PickleGlobalKind.RebuildParameter);
        yield return new("torch._utils._rebuild_parameter_with_state", PickleGlobalKind.RebuildParameter);
        yield return new("torch._tensor._rebuild_from_type_v2", PickleGlobalKind.RebuildSubclass);
        foreach ((string name, string type) in ((string, string)[])
            [("Double", "F64"), ("Float", "F32"), ("Half", "F16"), ("BFloat16", "BF16"), ("Long", "I64"), ("Int", "I32"), ("Short", "I16"), ("Char", "I8"), ("Byte", "U8"), ("Bool", "BOOL")])
            yield return new($"torch.{name}Storage", PickleGlobalKind.Storage, type);
        yield return new("torch.UntypedStorage", PickleGlobalKind.Storage, "U8");
        yield return new("torch.storage.UntypedStorage", PickleGlobalKind.Storage, "U8");
        foreach ((string name, string type) in ((string, string)[])
            [("float64", "F64"), ("float32", "F32"), ("float16", "F16"), ("bfloat16", "BF16"), ("int64", "I64"), ("int32", "I32"), ("int16", "I16"), ("int8", "I8"),
            ("uint64", "U64"), ("uint32", "U32"), ("uint16", "U16"), ("uint8", "U8"), ("bool", "BOOL")])
            yield return new($"torch.{name}", PickleGlobalKind.ElementType, type);

        yield return new("numpy.dtype", PickleGlobalKind.NumpyType);
        yield return new("numpy.ndarray", PickleGlobalKind.NumpyArrayClass);
        yield return new("numpy.core.multiarray.scalar", PickleGlobalKind.NumpyScalar);
        yield return new("numpy.core.multiarray._reconstruct", PickleGlobalKind.NumpyReconstruct);
        yield return new("numpy.core.numeric._frombuffer", PickleGlobalKind.NumpyFromBuffer);
    }
}
