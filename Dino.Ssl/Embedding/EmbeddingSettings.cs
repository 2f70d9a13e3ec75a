using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Embedding;

/// <summary>Everything that the features of a picture depend on.</summary>
public sealed record EmbeddingSettings
{
    /// <summary>File or folder of the weights, as a full path.</summary>
    public required string Model { get; init; }

    /// <summary>Of the values of the weights: see <see cref="ModelFingerprint"/>.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Part of the checkpoint as it was asked for; null for the usual one.</summary>
    public string? Key { get; init; }

    /// <summary>The architecture in words.</summary>
    public required string Network { get; init; }

    /// <summary>How weights are kept and products are computed, such as <c>fp32</c>.</summary>
    public required string Precision { get; init; }

    /// <summary>What computed, such as <c>cpu</c>.</summary>
    public required string Device { get; init; }

    /// <summary>What the network sees of a picture.</summary>
    public required Preprocessing Preprocessing { get; init; }

    /// <summary>Which feature.</summary>
    public required FeatureKind Feature { get; init; }

    /// <summary>Of how many of the last blocks it is made.</summary>
    public int Blocks { get; init; } = 1;

    /// <summary>Whether each feature is divided by its L2 norm.</summary>
    public bool Normalized { get; init; }

    /// <summary>The settings of an extractor.</summary>
    /// <param name="model">The network that it takes features of.</param>
    /// <param name="path">What the model was loaded from.</param>
    /// <param name="extractor">Which features.</param>
    /// <param name="preprocessing">What the network sees of a picture.</param>
    /// <param name="key">Part of the checkpoint as it was asked for.</param>
    /// <param name="precision">A name for how products are computed; that of the packed weights unless given.</param>
    public static EmbeddingSettings Of(LoadedModel model, string path, FeatureExtractor extractor, Preprocessing preprocessing, string? key = null, string? precision = null) => new()
    {
        Model = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)),
        Fingerprint = model.Fingerprint,
        Key = key,
        Network = model.Backbone.Options.ToString(),
        Precision = precision ?? NameOf(model.Backbone.Store.PackedFormat ?? WeightFormat.F32),
        Device = model.Device.Name,
        Preprocessing = preprocessing,
        Feature = extractor.Kind,
        Blocks = extractor.Blocks,
        Normalized = extractor.Normalize,
    };

    /// <summary>What differs from other settings, in words; empty if features would be the same.</summary>
    public IReadOnlyList<string> DifferencesTo(EmbeddingSettings other)
    {
        List<string> differences = [];
        // A file may be renamed; its content is what counts.
        if (Fingerprint != other.Fingerprint)
            differences.Add(Model == other.Model ? $"the content of {Model}" : $"the model ({other.Model}, now {Model})");
        Compare("part of the checkpoint", other.Key ?? "the usual one", Key ?? "the usual one");
        if (Fingerprint == other.Fingerprint && Key == other.Key && Network != other.Network)
            differences.Add($"the architecture ({other.Network}, now {Network})");
        Compare("precision", other.Precision, Precision);
        Compare("device", other.Device, Device);
        Compare("preprocessing", other.Preprocessing, Preprocessing);
        Compare("feature", other.Feature, Feature);
        Compare("number of blocks", other.Blocks, Blocks);
        Compare("normalisation", other.Normalized ? "L2" : "none", Normalized ? "L2" : "none");
        return differences;

        void Compare<T>(string what, T before, T now)
        {
            if (!Equals(before, now))
                differences.Add($"the {what} ({before}, now {now})");
        }
    }

    /// <summary>
    /// What keeps features from being compared with those of other settings, in words; empty for nothing. Unlike <see cref="DifferencesTo"/> it allows for results that differ by rounding: another
    /// device, and its own ways of computing.
    /// </summary>
    public IReadOnlyList<string> ObstaclesTo(EmbeddingSettings other) => DifferencesTo(other with { Device = Device, Precision = Device == other.Device ? other.Precision : Precision });

    private static string NameOf(WeightFormat format) => format switch
    {
        WeightFormat.F32 => "fp32",
        WeightFormat.BF16 => "bf16",
        _ => "int8",
    };
}
