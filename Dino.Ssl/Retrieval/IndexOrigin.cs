using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Training;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Retrieval;

/// <summary>Where the features of an index come from: only features of the same origin can be compared.</summary>
/// <param name="Weights">File or folder of the weights, as a full path.</param>
/// <param name="Key">Part of a checkpoint that was taken; null for the usual one.</param>
/// <param name="Fingerprint">Of their values: see <see cref="ModelFingerprint"/>.</param>
/// <param name="Architecture">The network as JSON: the same file may be read in two ways, with other heads.</param>
/// <param name="Preprocessing">What the network saw of the pictures.</param>
/// <param name="Precision">How the weights were kept.</param>
/// <param name="Feature">Which of its outputs: <c>cls</c>, the final CLS token, or the pooled map of a ResNet.</param>
public sealed record IndexOrigin(string Weights, string? Key, string Fingerprint, string Architecture, Preprocessing Preprocessing, string Feature = "cls", WeightFormat Precision = WeightFormat.F32)
{
    private const int ShownDigits = 12;

    /// <summary>The origin of features that a model gives; reads the whole of the weights.</summary>
    /// <param name="weights">What the model was loaded from.</param>
    /// <param name="key">As in <see cref="ModelFile.Load"/>.</param>
    /// <param name="model">The model.</param>
    /// <param name="preprocessing">What it sees of pictures; the model's own unless given.</param>
    public static IndexOrigin Of(string weights, string? key, LoadedModel model, Preprocessing? preprocessing = null) =>
        new(Path.GetFullPath(weights), key, ModelFingerprint.Of(weights, key), Describe(model.Backbone.Options), preprocessing ?? model.Preprocessing, Precision: model.Backbone.Store.PackedFormat ?? WeightFormat.F32);

    /// <summary>Refuses features of another origin. The place of the weights does not matter, their content does.</summary>
    /// <param name="other">Where the other features come from.</param>
    /// <param name="index">The index that has this origin, for the message.</param>
    /// <exception cref="InvalidDataException">They differ; the message says in what, and what to do.</exception>
    public void Require(IndexOrigin other, string index)
    {
        if (Fingerprint != other.Fingerprint)
            throw new InvalidDataException($"{index} was made with other weights: {Weights} ({Shown(Fingerprint)}), not {other.Weights} ({Shown(other.Fingerprint)}). Features of two models cannot be compared. Use those weights, or make an index of its own for this model.");
        if ((Key, Architecture) != (other.Key, other.Architecture))
            throw new InvalidDataException($"{index} was made with another network of the same file: {Network(this)}, not {Network(other)}. Give --key, --heads and --channels as they were.");
        if (Preprocessing != other.Preprocessing)
            throw new InvalidDataException($"{index} was made of pictures resized to {Preprocessing.ResizeTo} and cropped to {Preprocessing.Size}, not to {other.Preprocessing.ResizeTo} and {other.Preprocessing.Size}. Use those sizes, or make an index of its own for these.");
        if (Precision != other.Precision)
            throw new InvalidDataException($"{index} was made with weights kept as {Precision}, not as {other.Precision}. Give --precision as it was, or make an index of its own.");
        if (Feature != other.Feature)
            throw new InvalidDataException($"{index} holds '{Feature}' features, not '{other.Feature}'.");
    }

    private static string Shown(string hash) => hash[..Math.Min(ShownDigits, hash.Length)];

    private static string Network(IndexOrigin origin) => $"{(origin.Key is null ? "" : $"part '{origin.Key}', ")}{origin.Architecture}";

    private static string Describe(BackboneOptions options) => options is ResNetOptions resNet
        ? JsonSerializer.Serialize(resNet, SslJson.Default.ResNetOptions)
        : JsonSerializer.Serialize((VisionTransformerOptions)options, SslJson.Default.VisionTransformerOptions);
}
