using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Dino.Nn;
using Dino.Ssl.Models;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>Tells weights apart by their values.</summary>
public static class ModelFingerprint
{
    /// <summary>Tensors that follow from the architecture or from training, and that some files do without.</summary>
    private static readonly string[] s_passive = ["periods", "bias_mask", "num_batches_tracked"];

    /// <summary>
    /// A hash of the values of a backbone under their official names, in 16 hexadecimal digits: the same for a file and the folder it is in, and for the same weights in
    /// another format, under other names, or in a type that holds them exactly.
    /// </summary>
    /// <param name="path">As models are loaded from.</param>
    /// <param name="key">As <see cref="ModelLoadOptions.Key"/>.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">It holds nothing under the key, or is damaged.</exception>
    public static string Of(string path, string? key = null)
    {
        using TensorFile file = ModelFolder.Open(path);
        TensorView tensors = BackboneWeights.Find(file, key).Tensors;
        float[] values = [];
        return Of(tensors.Entries.Keys, name =>
        {
            int count = checked((int)tensors.Entry(name).Count);
            if (values.Length < count)
                values = GC.AllocateUninitializedArray<float>(count);
            tensors.ReadSingles(name, values.AsSpan(0, count));
            return values.AsMemory(0, count);
        });
    }

    /// <summary>The same of a network in memory whose weights are not packed.</summary>
    internal static string Of(Backbone network)
    {
        Dictionary<string, Parameter> parameters = network.Store.All.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        return Of(parameters.Keys, name => parameters[name].Tensor.ToArray());
    }

    private static string Of(IEnumerable<string> names, Func<string, ReadOnlyMemory<float>> read)
    {
        StringBuilder lines = new();
        foreach (string name in names.Where(IsLearned).Order(StringComparer.Ordinal))
            lines.Append(CultureInfo.InvariantCulture, $"{name} {XxHash64.Of(MemoryMarshal.AsBytes(read(name).Span)):x16}\n");
        return XxHash64.Of(Encoding.UTF8.GetBytes(lines.ToString())).ToString("x16", CultureInfo.InvariantCulture);
    }

    private static bool IsLearned(string name) => !s_passive.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));
}
