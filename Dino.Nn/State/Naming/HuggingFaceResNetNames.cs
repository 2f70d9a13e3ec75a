using System.Globalization;
using Dino.Tensors.Formats;

namespace Dino.Nn.Naming;

/// <summary>The names of a ResNet in Hugging Face's transformers.</summary>
/// <remarks>What modeling_resnet.py calls its parts.</remarks>
internal static class HuggingFaceResNetNames
{
    private const string Stem = "embedder.embedder.convolution.weight";

    private static readonly (string, string)[] s_stem = [("embedder.embedder.convolution.", "conv1."), ("embedder.embedder.normalization.", "bn1.")];

    private static readonly (string, string)[] s_shortcut = [("shortcut.convolution.", "downsample.0."), ("shortcut.normalization.", "downsample.1.")];

    /// <summary>Collects the tensors if they have these names.</summary>
    /// <returns>Whether they have.</returns>
    public static bool TryMap(IReadOnlyDictionary<string, TensorEntry> tensors, OfficialNames names)
    {
        if (tensors.Keys.FirstOrDefault(name => name.EndsWith(Stem, StringComparison.Ordinal)) is not { } stem)
            return false;
        string prefix = stem[..^Stem.Length];
        foreach ((string name, TensorEntry entry) in tensors)
        {
            string bare = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            if (bare.StartsWith("classifier.", StringComparison.Ordinal))
                names.LeftOut.Add(entry.Name);
            else
                names.Add(NameParts.Replace(bare, s_stem) ?? Unit(bare) ?? bare, entry);
        }

        return true;
    }

    /// <summary><c>encoder.stages.0.layers.1.layer.2.convolution.weight</c> is <c>layer1.1.conv3.weight</c>; null for another name.</summary>
    private static string? Unit(string name)
    {
        if (!NameParts.TrySplit(name, "encoder.stages.", out string stage, out string rest) || !NameParts.TrySplit(rest, "layers.", out string unit, out rest))
            return null;
        string? part = NameParts.Replace(rest, s_shortcut);
        if (part is null && NameParts.TrySplit(rest, "layer.", out string convolution, out rest))
            part = NameParts.Replace(rest, [("convolution.", $"conv{Next(convolution)}."), ("normalization.", $"bn{Next(convolution)}.")]);
        return part is null ? null : $"layer{Next(stage)}.{unit}.{part}";
    }

    private static string Next(string number) => long.TryParse(number, CultureInfo.InvariantCulture, out long value) ? (value + 1).ToString(CultureInfo.InvariantCulture) : number;
}
