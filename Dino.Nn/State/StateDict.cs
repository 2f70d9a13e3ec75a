using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>A network's values under PyTorch names: to files and from them, strict by default.</summary>
public static class StateDict
{
    /// <summary>Loads values by name.</summary>
    /// <param name="store">Allocated store.</param>
    /// <param name="file">An open file.</param>
    /// <param name="rename">Maps a key of the file to a parameter name, or to null to leave the key out; identity unless given.</param>
    /// <param name="strict">Every parameter and buffer must be in the file and nothing else may be.</param>
    /// <exception cref="StateDictException">Names the missing, unexpected and mis-shaped keys. Nothing has been loaded then.</exception>
    public static void Load(ParameterStore store, TensorFile file, Func<string, string?>? rename = null, bool strict = true)
    {
        Read(store, file, Match(store, file, rename, strict));
    }

    /// <summary>Throws what <see cref="Load"/> would throw, and loads nothing.</summary>
    /// <param name="store">Allocated or not.</param>
    /// <param name="file">An open file.</param>
    /// <param name="rename">As in <see cref="Load"/>.</param>
    /// <exception cref="StateDictException">Names the missing, unexpected and mis-shaped keys.</exception>
    public static void Check(ParameterStore store, TensorFile file, Func<string, string?>? rename = null) => Match(store, file, rename, strict: true);

    /// <summary>Gives a network that has no memory yet the values of a file, for inference: where they are in the file if they can be used there, otherwise in memory.</summary>
    /// <param name="store">Not allocated yet.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="file">An open file; it may be closed afterwards, but must not be rewritten in place while the store lives.</param>
    /// <param name="rename">As in <see cref="Load"/>.</param>
    /// <exception cref="StateDictException">Names the missing, unexpected and mis-shaped keys.</exception>
    /// <exception cref="InvalidOperationException">The store has memory already.</exception>
    public static void Map(ParameterStore store, Device device, TensorFile file, Func<string, string?>? rename = null)
    {
        List<(Parameter Parameter, TensorEntry Entry)> pairs = Match(store, file, rename, strict: true);
        if (store.TryMap(device, file, pairs.Where(pair => !pair.Parameter.IsBuffer).OrderBy(pair => pair.Parameter.Index).Select(pair => pair.Entry.Name)))
            pairs.RemoveAll(pair => !pair.Parameter.IsBuffer);
        else
            store.Allocate(device, withGradients: false, initialize: false);
        Read(store, file, pairs);
    }

    /// <summary>Values of a tensor from the host.</summary>
    public static void Write(Tensor tensor, ReadOnlySpan<float> values)
    {
        if (values.Length != tensor.Count)
            throw new ShapeMismatchException($"Write: {values.Length} values for the {tensor.Count} elements of {tensor.Shape}.");
        tensor.Device.Backend.Upload(MemoryMarshal.AsBytes(values), tensor.View);
    }

    private static void Read(ParameterStore store, TensorFile file, List<(Parameter Parameter, TensorEntry Entry)> pairs)
    {
        foreach ((Parameter parameter, TensorEntry entry) in pairs)
            file.ReadTensor(entry.Name, parameter.Tensor);
        store.Loaded();
    }

    /// <summary>What is in the store and in the file.</summary>
    private static List<(Parameter Parameter, TensorEntry Entry)> Match(ParameterStore store, TensorFile file, Func<string, string?>? rename, bool strict)
    {
        Dictionary<string, TensorEntry> entries = new(StringComparer.Ordinal);
        foreach (TensorEntry entry in file.Entries.Values)
        {
            if ((rename is null ? entry.Name : rename(entry.Name)) is { } name)
                entries[name] = entry;
        }

        List<(Parameter, TensorEntry)> pairs = [];
        List<string> missing = [], misshaped = [];
        foreach (Parameter parameter in store.All)
        {
            if (!entries.Remove(parameter.Name, out TensorEntry? entry))
            {
                // Old checkpoints lack the counter; nothing computes with it.
                if (!parameter.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                    missing.Add(parameter.Name);
            }
            else if (SameShape(parameter.Shape, entry.Shape))
            {
                pairs.Add((parameter, entry));
            }
            else
            {
                misshaped.Add($"{parameter.Name} is {entry.ShapeText} in the file, {parameter.Shape} in the network");
            }
        }

        if (misshaped.Count > 0 || (strict && (missing.Count > 0 || entries.Count > 0)))
            throw new StateDictException(strict ? missing : [], strict ? [.. entries.Keys] : [], misshaped);
        return pairs;
    }

    private static bool SameShape(Shape shape, IReadOnlyList<long> lengths)
    {
        if (shape.Rank != lengths.Count)
            return false;
        for (int i = 0; i < shape.Rank; i++)
        {
            if (shape[i] != lengths[i])
                return false;
        }

        return true;
    }
}
