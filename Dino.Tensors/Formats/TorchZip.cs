using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Dino.Tensors.Formats;

/// <summary>
/// The zip layout of torch.save since 1.6: <c>root/data.pkl</c>, one entry a storage under <c>root/data/</c>, <c>root/version</c> and, in newer
/// versions, <c>root/byteorder</c>. The name of the root does not matter.
/// </summary>
internal sealed class TorchZip : ITorchStorages
{
    private const string PickleName = "data.pkl";
    private const int MaxNoteBytes = 64;

    private readonly FilePlace _file;
    private readonly TorchFileLimits _limits;
    private readonly TorchArchive _archive;
    private readonly string _root;
    private readonly bool _isBigEndian;
    private readonly Dictionary<string, TorchStorage> _storages = new(StringComparer.Ordinal);
    private long _inflated;

    private TorchZip(FilePlace file, SafeFileHandle handle, long length, TorchFileLimits limits)
    {
        (_file, _limits) = (file, limits);
        _archive = new TorchArchive(file, handle, length);
        _root = FindRoot();
        _isBigEndian = _archive.Entries.TryGetValue(_root + "byteorder", out TorchArchiveEntry? order) && Encoding.ASCII.GetString(_archive.ReadAll(order, MaxNoteBytes, "of a byte order")).Trim() switch
        {
            "little" => false,
            "big" => true,
            var other => throw _archive.PlaceOf(order).Error($"'{other}' is not a byte order"),
        };
    }

    /// <summary>Reads the pickle; tensors stay in the file.</summary>
    public static object? Load(FilePlace file, SafeFileHandle handle, long length, TorchFileLimits limits)
    {
        TorchZip zip = new(file, handle, length, limits);
        TorchArchiveEntry pickle = zip._archive.Entries[zip._root + PickleName];
        zip.ChargeInflated(pickle);
        PickleCursor cursor = new(zip._archive.PlaceOf(pickle), zip._archive.ReadAll(pickle, limits.MaxPickleBytes, "TorchFileLimits.MaxPickleBytes"));
        return new PickleMachine(cursor, limits, zip).Run();
    }

    public TorchStorage Find(PickleCursor cursor, string type, string key, long count, object? view)
    {
        if (_storages.TryGetValue(key, out TorchStorage? known))
            return known.Type == type && known.Count == count ? known : throw cursor.Error($"storage '{key}' is {count} elements of {type} here and {known.Count} of {known.Type} before");
        string name = $"{_root}data/{key}";
        if (!_archive.Entries.TryGetValue(name, out TorchArchiveEntry? entry))
            throw cursor.Error($"the tensor data '{name}' is missing in the archive");
        TorchStorage storage = new(_archive.PlaceOf(entry), key, type, count, _isBigEndian);
        if ((Int128)count * storage.ElementSize != entry.Length)
            throw _archive.PlaceOf(entry).Error($"{count} elements of {type} take {(Int128)count * storage.ElementSize} bytes, the entry has {entry.Length}");
        ChargeInflated(entry);
        storage.Bytes = _archive.Open(entry);
        _storages.Add(key, storage);
        return storage;
    }

    private void ChargeInflated(TorchArchiveEntry entry)
    {
        if (!entry.IsDeflated)
            return;
        _inflated += entry.Length;
        if (_inflated > _limits.MaxInflatedBytes || _inflated < 0)
            throw _archive.PlaceOf(entry).Error($"the deflated entries have more than {_limits.MaxInflatedBytes} bytes (TorchFileLimits.MaxInflatedBytes). Store the archive without compression, as torch.save does");
    }

    /// <summary>The folder of the pickle, with its slash.</summary>
    private string FindRoot()
    {
        string[] roots = [.. _archive.Entries.Keys.Where(name => name.EndsWith("/" + PickleName, StringComparison.Ordinal) && name.IndexOf('/', StringComparison.Ordinal) == name.LastIndexOf('/')).Select(name => name[..^PickleName.Length])];
        if (roots.Length != 1)
        {
            string holds = string.Join(", ", _archive.Entries.Keys.Take(4));
            throw _file.Error(roots.Length > 1
                ? $"the archive holds several pickles: {string.Join(", ", roots.Take(4).Select(root => root + PickleName))}"
                : $"a zip archive without {PickleName} in a folder is not written by torch.save; it holds {(holds.Length > 0 ? holds : "nothing")}");
        }

        if (_archive.Entries.ContainsKey(roots[0] + "constants.pkl"))
            throw _file.Error("this is a TorchScript program (torch.jit.save), which is code. Save its weights: torch.save(module.state_dict(), path)");
        return roots[0];
    }
}
