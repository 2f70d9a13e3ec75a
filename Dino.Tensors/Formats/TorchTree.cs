using System.Globalization;

namespace Dino.Tensors.Formats;

/// <summary>
/// Walks the value of a file once, and finds the tensors. A pickle can share a value at many places, so that a few bytes unfold to more places than
/// any memory holds, and it can put a list into itself; what has passed here is finite, and whoever walks it again may do so without care.
/// </summary>
internal sealed class TorchTree(FilePlace file, long fileBytes, TorchFileLimits limits)
{
    /// <summary>Tensors may show the same bytes at several places (tied weights, slices, repeated elements), within reason.</summary>
    private const int MaxSharing = 16;

    private const long FreeBytes = 64 << 20;
    private const long MaxPathCharacters = 16 << 20;

    private readonly Dictionary<string, TorchTensor> _tensors = new(StringComparer.Ordinal);
    private readonly HashSet<TorchBytes> _stored = [];
    private Int128 _shown;
    private long _characters, _storedBytes;
    private int _places;

    /// <summary>The tensors by path: keys and positions on the way to each, joined by slashes.</summary>
    public static Dictionary<string, TorchTensor> Walk(FilePlace file, long fileBytes, TorchFileLimits limits, object? root)
    {
        TorchTree tree = new(file, fileBytes, limits);
        tree.Visit("", root, 0);
        return tree._tensors;
    }

    private void Visit(string path, object? value, int depth)
    {
        if (++_places > limits.MaxValues)
            throw file.Error($"the values unfold to more than {limits.MaxValues} places (TorchFileLimits.MaxValues)");
        if (depth > limits.MaxDepth)
            throw file.Error($"the values are nested deeper than {limits.MaxDepth} levels (TorchFileLimits.MaxDepth)");
        switch (value)
        {
            case TorchDictionary dictionary:
                foreach ((object key, object? item) in dictionary)
                    Visit(Join(path, Text(key), depth), item, depth + 1);
                break;
            case TorchSequence sequence:
                for (int i = 0; i < sequence.Count; i++)
                    Visit(Join(path, i.ToString(CultureInfo.InvariantCulture), depth), sequence[i], depth + 1);
                break;
            case TorchTensor tensor:
                Add(path, tensor);
                break;
            case TorchStorage storage:
                throw file.Error($"'{path}' is the bare storage '{storage.Key}', without a tensor to give it a shape");
        }
    }

    private void Add(string path, TorchTensor tensor)
    {
        if (!tensor.IsComplete)
            throw file.Error($"the array '{path}' has no content");
        if (!_tensors.TryAdd(path, tensor))
            throw file.Error($"two tensors have the path '{path}': a key of a dictionary holds a slash");
        if (tensor.Storage.Bytes is { } bytes && _stored.Add(bytes))
            _storedBytes += tensor.Storage.Length;
        _shown += tensor.Bytes;
        if (_shown > FreeBytes + ((Int128)MaxSharing * Math.Max(fileBytes, _storedBytes)))
            throw file.Error($"the tensors up to '{path}' show {_shown} bytes, more than {MaxSharing} times what the file holds: elements are repeated beyond use");
    }

    private string Join(string path, string key, int depth)
    {
        string joined = depth == 0 ? key : $"{path}/{key}";
        _characters += joined.Length;
        return _characters <= MaxPathCharacters ? joined : throw file.Error($"the paths of the values have more than {MaxPathCharacters} characters");
    }

    private static string Text(object key) => key switch
    {
        TorchSequence => "()",
        _ => Convert.ToString(key, CultureInfo.InvariantCulture) ?? "",
    };
}
