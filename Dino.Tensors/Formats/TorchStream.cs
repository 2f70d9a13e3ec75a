using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>
/// The layout of torch.save before 1.6, or with <c>_use_new_zipfile_serialization=False</c>: pickles one after the other (magic number, version, machine,
/// the object, the keys of its storages), then for each key the number of elements in eight bytes, and the elements, little-endian.
/// </summary>
internal sealed class TorchStream : ITorchStorages
{
    private const long Version = 1001;

    private static readonly BigInteger s_magic = BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);

    private readonly FilePlace _file;
    private readonly SafeFileHandle _handle;
    private readonly long _length;
    private readonly Dictionary<string, TorchStorage> _storages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TorchStorage Part, TorchStorage Whole, long First)> _views = new(StringComparer.Ordinal);

    private TorchStream(FilePlace file, SafeFileHandle handle, long length) => (_file, _handle, _length) = (file, handle, length);

    /// <summary>Reads the pickles; tensors stay in the file.</summary>
    public static object? Load(FilePlace file, SafeFileHandle handle, long length, TorchFileLimits limits)
    {
        TorchStream stream = new(file, handle, length);
        PickleCursor cursor = new(file, handle, length);
        if (Next(null) is not BigInteger magic || magic != s_magic)
            throw file.Error("a pickle, but not one of torch.save: its magic number is missing", 0);
        if (Next(null) is not Version)
            throw cursor.Error($"the version of the format is not {Version}");
        // What the writing machine was: the data is little-endian whatever it says.
        if (Next(null) is not TorchDictionary)
            throw cursor.Error("the description of the writing machine is missing");
        object? root = Next(stream);
        stream.Locate(cursor, Next(null));
        return root;

        object? Next(ITorchStorages? storages) => new PickleMachine(cursor, limits, storages).Run();
    }

    public TorchStorage Find(PickleCursor cursor, string type, string key, long count, object? view)
    {
        if (!_storages.TryGetValue(key, out TorchStorage? storage))
        {
            storage = new TorchStorage(_file, key, type, count);
            // The data follows the pickle: more than the file has cannot be right, and sizes below can be trusted not to overflow.
            if ((Int128)count * storage.ElementSize > _length)
                throw cursor.Error($"storage '{key}' of {count} elements of {type} is larger than the file");
            _storages.Add(key, storage);
        }

        if (storage.Type != type || storage.Count != count)
            throw cursor.Error($"storage '{key}' is {count} elements of {type} here and {storage.Count} of {storage.Type} before");
        return view is null ? storage : FindView(cursor, storage, view);
    }

    private TorchStorage FindView(PickleCursor cursor, TorchStorage whole, object view)
    {
        if (view is not TorchSequence parts || parts is not [string key, long first, long count] || first < 0 || count < 0 || first > whole.Count - count)
            throw cursor.Error($"a view of storage '{whole.Key}' is not a part of its {whole.Count} elements");
        if (!_views.TryGetValue(key, out var known))
            _views.Add(key, known = (new TorchStorage(whole, key, first, count), whole, first));
        return known.Whole == whole && known.First == first && known.Part.Count == count ? known.Part : throw cursor.Error($"view '{key}' of storage '{whole.Key}' is another one than before");
    }

    /// <summary>Finds the data of every storage behind the pickles.</summary>
    private void Locate(PickleCursor cursor, object? keys)
    {
        if (keys is not TorchSequence { Kind: TorchSequenceKind.List } list)
            throw cursor.Error("the list of storages is missing");
        foreach (object? item in list)
        {
            if (item is not string key || !_storages.TryGetValue(key, out TorchStorage? storage))
                throw cursor.Error($"the list of storages names '{item}', which no tensor uses");
            if (storage.Bytes is not null)
                throw cursor.Error($"the list of storages names '{key}' twice");
            long position = cursor.Position;
            if (cursor.Remaining < sizeof(long) || cursor.ReadInt64() is var count && (count != storage.Count || storage.Length > cursor.Remaining))
                throw _file.Error($"storage '{key}' of {storage.Count} elements of {storage.Type} is damaged or cut short: {cursor.Remaining} bytes are left", position);
            storage.Bytes = new FileBytes(_file, _handle, cursor.Position, storage.Length, null);
            cursor.Skip(storage.Length);
        }

        if (_storages.Values.FirstOrDefault(storage => storage.Bytes is null) is { } missing)
            throw cursor.Error($"the list of storages lacks '{missing.Key}'");
    }
}
