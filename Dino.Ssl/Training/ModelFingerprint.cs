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
        StringBuilder lines = new();
        float[] values = [];
        foreach (string name in tensors.Entries.Keys.Where(IsLearned).Order(StringComparer.Ordinal))
        {
            int count = checked((int)tensors.Entry(name).Count);
            if (values.Length < count)
                values = GC.AllocateUninitializedArray<float>(count);
            tensors.ReadSingles(name, values.AsSpan(0, count));
            lines.Append(CultureInfo.InvariantCulture, $"{name} {XxHash64.Of(MemoryMarshal.AsBytes(values.AsSpan(0, count))):x16}\n");
        }

        return XxHash64.Of(Encoding.UTF8.GetBytes(lines.ToString())).ToString("x16", CultureInfo.InvariantCulture);
    }

    private static bool IsLearned(string name) => !s_passive.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));
}
