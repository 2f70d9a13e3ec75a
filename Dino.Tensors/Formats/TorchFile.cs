using Microsoft.Win32.SafeHandles;
using Dino.Tensors.Cpu;

namespace Dino.Tensors.Formats;

/// <summary>
/// Reads what torch.save writes: both of its layouts, zip and the one before. Nothing in a file is executed: names outside of tensors and plain data are
/// refused. Tensors stay in the file until they are read. Safe for many threads at once.
/// </summary>
public sealed class TorchFile : TensorFile
{
    /// <summary>The name of the zip layout in <see cref="TensorFile.Format"/>.</summary>
    public const string ZipFormat = "torch zip";

    /// <summary>The name of the layout before 1.6 in <see cref="TensorFile.Format"/>.</summary>
    public const string StreamFormat = "torch stream";

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, TorchTensor> _tensors;

    private TorchFile(string path, SafeFileHandle handle, TorchFileLimits limits)
        : base(path)
    {
        _handle = handle;
        FilePlace file = new(path);
        long length = RandomAccess.GetLength(handle);
        TensorFileKind kind = TensorFileKinds.Recognize(handle, length);
        (Format, Root) = kind switch
        {
            TensorFileKind.Zip => (ZipFormat, TorchZip.Load(file, handle, length, limits)),
            TensorFileKind.Pickle => (StreamFormat, TorchStream.Load(file, handle, length, limits)),
            TensorFileKind.Tar => throw file.Error("this is the tar format of PyTorch before 0.1.10, which is not read. Load it with an old PyTorch and save it again"),
            _ => throw file.Error($"not a file of torch.save: its {length} bytes begin neither like a zip archive nor like a pickle"),
        };
        _tensors = TorchTree.Walk(file, length, limits, Root);
        Entries = _tensors.ToDictionary(pair => pair.Key, pair => new TensorEntry(pair.Key, pair.Value.Type, pair.Value.Shape), StringComparer.Ordinal);
    }

    /// <summary>
    /// The saved object: null, bool, long, <see cref="System.Numerics.BigInteger"/>, double, string or byte[] for plain values (NumPy scalars included, paths as text);
    /// <see cref="TorchDictionary"/>, <see cref="TorchNamespace"/> and <see cref="TorchSequence"/> for what holds others; <see cref="TorchTensor"/> for
    /// tensors and NumPy arrays; <see cref="TorchSymbol"/> for types and devices. It is a tree: no value holds itself.
    /// </summary>
    public object? Root { get; }

    /// <inheritdoc/>
    public override string Format { get; }

    /// <summary>The tensors by their paths in <see cref="Root"/>: keys and positions joined by slashes, such as <c>optimizer/state/0/exp_avg</c>.</summary>
    public override IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Opens a file and reads its structure.</summary>
    /// <param name="path">A .pth, .pt or .bin file.</param>
    /// <param name="limits">What that may cost; <see cref="TorchFileLimits.Default"/> unless given.</param>
    /// <exception cref="TorchFileException">Damaged, cut short, beyond the limits, or not only data; the message says what and where.</exception>
    public static TorchFile Open(string path, TorchFileLimits? limits = null)
    {
        limits ??= TorchFileLimits.Default;
        limits.Validate();
        SafeFileHandle handle = File.OpenHandle(path);
        try
        {
            return new TorchFile(path, handle, limits);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The value at a path such as <c>optimizer/param_groups/0/lr</c>, or null if there is none.</summary>
    /// <param name="path">Keys and positions joined by slashes; keys that are integers count by their digits.</param>
    public object? Find(string path)
    {
        object? value = Root;
        foreach (string step in path.Split('/'))
        {
            bool isNumber = long.TryParse(step, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out long number);
            value = value switch
            {
                TorchDictionary dictionary when dictionary.TryGetValue(step, out object? item) || (isNumber && dictionary.TryGetValue(number, out item)) => item,
                TorchSequence sequence when isNumber && number >= 0 && number < sequence.Count => sequence[(int)number],
                _ => null,
            };
        }

        return value;
    }

    /// <inheritdoc/>
    public override void Dispose() => _handle.Dispose();

    internal override TensorReader Reader(TensorEntry entry)
    {
        TorchTensor tensor = _tensors[entry.Name];
        if (tensor.IsContiguous)
        {
            long first = tensor.FirstElement * tensor.Storage.ElementSize;
            return (offset, destination) => tensor.Storage.Read(first + offset, destination);
        }

        byte[] gathered = tensor.ReadRaw();
        return (offset, destination) => gathered.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    internal override bool TryLocate(string name, out long position)
    {
        TorchTensor tensor = _tensors[Entry(name).Name];
        position = 0;
        return tensor.IsContiguous && tensor.Count > 0 && tensor.Storage.TryLocate(tensor.FirstElement * tensor.Storage.ElementSize, out position);
    }

    internal override MappedFile? Map() => new(_handle);
}
