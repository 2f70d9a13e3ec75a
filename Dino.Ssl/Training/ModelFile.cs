using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>
/// Weight files that describe themselves: architecture, sizes and pixel normalisation are in the metadata, so that a path is all a user needs. Keys
/// are the official ones, <c>backbone.*</c> and <c>head.*</c>.
/// </summary>
public static class ModelFile
{
    private const string Format = "dino-weights-1";
    private const string ResNetKey = "resnet";
    private const string BackbonePrefix = "backbone.";

    /// <summary>What files hold beside a backbone: projection heads, classifiers, and a norm that DINOv3 uses for the local crops of training only.</summary>
    private static readonly string[] s_others = ["head.", "dino_head.", "ibot_head.", "fc.", "local_cls_norm."];

    /// <summary>Saves a network.</summary>
    /// <param name="path">Where to; an older file is replaced in one move.</param>
    /// <param name="network">Backbone and head.</param>
    /// <param name="crops">What it was trained on: size and normalisation of its input.</param>
    /// <param name="role">student or teacher.</param>
    public static void Save(string path, DinoNetwork network, MultiCropOptions crops, string role)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = Format;
        writer.Metadata["role"] = role;
        if (network.Backbone.Options is ResNetOptions resNet)
            writer.Metadata[ResNetKey] = JsonSerializer.Serialize(resNet, SslJson.Default.ResNetOptions);
        else
            writer.Metadata["backbone"] = JsonSerializer.Serialize((VisionTransformerOptions)network.Backbone.Options, SslJson.Default.VisionTransformerOptions);
        writer.Metadata["crops"] = JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions);
        foreach (Parameter parameter in network.Store.All)
            writer.Add(parameter.Name, parameter.Tensor);
        writer.Save(path);
    }

    /// <summary>Loads the backbone of a file.</summary>
    /// <param name="path">
    /// A weight file or checkpoint of ours, or a file with the official names of a DINO, DINOv2 or DINOv3 vision transformer or of a torchvision ResNet, whose
    /// architecture is read off names and shapes: safetensors, the index of its shards, or what torch.save wrote, a released state dictionary or an official
    /// training checkpoint. Its content says which.
    /// </param>
    /// <param name="device">Where to put it.</param>
    /// <param name="options">How to load it; null for the defaults.</param>
    /// <exception cref="InvalidDataException">The file does not hold a network that is known here, or not under the key.</exception>
    /// <exception cref="TorchFileException">A file of torch.save that is damaged or not only data.</exception>
    /// <exception cref="StateDictException">The weights do not fit the architecture; names the keys.</exception>
    public static LoadedModel Load(string path, Device device, ModelLoadOptions? options = null)
    {
        options ??= new ModelLoadOptions();
        using TensorFile file = TensorFile.Open(path);
        WeightPart part = WeightPart.Find(file, options.Key);
        string? Rename(string name) => BackboneName(part, name);
        BackboneOptions architecture = Recognize(file, part) ?? throw NoNetwork(file);
        Preprocessing preprocessing = Preprocessing.ForSize(architecture.ImageSize) with { Normalization = Crops(file)?.Normalization ?? PixelNormalization.ImageNet };
        if (options.Amend is { } amend && architecture is VisionTransformerOptions transformer)
            architecture = amend(transformer);
        architecture = architecture.WithoutDropPath() with { Classes = 0 };
        ParameterStore store = new();
        try
        {
            Backbone backbone = architecture.Build(store.Root);
            if (options.Mapped || options.Format is not null)
            {
                StateDict.Map(store, device, file, Rename);
            }
            else
            {
                // Before memory is taken: one tensor says how large all others are to be, and a file may lie.
                StateDict.Check(store, file, Rename);
                store.Allocate(device, withGradients: false, initialize: false);
                StateDict.Load(store, file, Rename);
            }

            if (options.Format is { } format)
                store.PackWeights(format);
            return new LoadedModel(backbone, preprocessing) { LeftOut = LeftOut(file, part) };
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>What <see cref="Load"/> would make of a file, without loading it.</summary>
    /// <param name="file">An open file.</param>
    /// <param name="key">As <see cref="ModelLoadOptions.Key"/>.</param>
    /// <exception cref="InvalidDataException">The file holds nothing under the key, or is damaged.</exception>
    public static ModelDescription Describe(TensorFile file, string? key = null)
    {
        WeightPart part = WeightPart.Find(file, key);
        long all = part.Entries.Where(IsLearned).Sum(entry => entry.Count);
        if (Recognize(file, part) is not { } architecture)
            return new ModelDescription(part.Key, null, NoNetwork(file).Message, all, []);
        architecture = architecture.WithoutDropPath() with { Classes = 0 };
        ParameterStore store = new();
        _ = architecture.Build(store.Root);
        try
        {
            StateDict.Check(store, file, name => BackboneName(part, name));
            return new ModelDescription(part.Key, architecture, null, store.Count, LeftOut(file, part));
        }
        catch (StateDictException error)
        {
            return new ModelDescription(part.Key, null, error.Message, all, []);
        }
    }

    /// <summary>A backbone with first weights, for comparison with a trained one.</summary>
    /// <param name="architecture">Which.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="format">Packs the weights as <see cref="ModelLoadOptions.Format"/> does.</param>
    public static LoadedModel Untrained(BackboneOptions architecture, Device device, ulong seed = 0, WeightFormat? format = null)
    {
        ParameterStore store = new();
        Backbone backbone = architecture.WithoutDropPath().Build(store.Root);
        store.Allocate(device, seed, withGradients: false);
        if (format is { } chosen)
            store.PackWeights(chosen);
        return new LoadedModel(backbone, Preprocessing.ForSize(architecture.ImageSize));
    }

    /// <summary>The architecture by the file's own words or by the shapes; null if it is not one of ours.</summary>
    private static BackboneOptions? Recognize(TensorFile file, WeightPart part)
    {
        BackboneOptions? found = file.Metadata.GetValueOrDefault("format") switch
        {
            Format when file.Metadata.ContainsKey(ResNetKey) => Read(file, ResNetKey, SslJson.Default.ResNetOptions),
            Format => Read(file, "backbone", SslJson.Default.VisionTransformerOptions),
            Checkpoint.Format => Read(file, "options", SslJson.Default.DinoOptions).Network,
            _ => Probe(file, part),
        };
        try
        {
            found?.Validate();
            return found;
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{file.FilePath} is damaged, or of no network that is known here: {error.Message}", error);
        }
    }

    private static MultiCropOptions? Crops(TensorFile file) =>
        file.Metadata.GetValueOrDefault("format") is Format or Checkpoint.Format ? Read(file, "crops", SslJson.Default.MultiCropOptions) : null;

    private static T Read<T>(TensorFile file, string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return file.Metadata.TryGetValue(name, out string? json) && JsonSerializer.Deserialize(json, type) is { } value
                ? value
                : throw new InvalidDataException($"{file.FilePath} is damaged: its metadata lack '{name}'.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{file.FilePath} is damaged: '{name}' of its metadata is not what it should be ({error.Message}).", error);
        }
    }

    private static BackboneOptions? Probe(TensorFile file, WeightPart part)
    {
        Dictionary<string, TensorEntry> entries = new(StringComparer.Ordinal);
        foreach (TensorEntry entry in file.Entries.Values)
        {
            if (BackboneName(part, entry.Name) is { } name)
                entries[name] = entry;
        }

        return ArchitectureProbe.Probe(entries);
    }

    private static InvalidDataException NoNetwork(TensorFile file) => new(
        $"{file.FilePath} holds no vision transformer with the names of DINO, DINOv2 or DINOv3 (patch_embed.proj.weight, pos_embed or rope_embed.periods, blocks.0.*) and no ResNet (conv1.weight, layer1.0.*). It holds {string.Join(", ", file.Entries.Keys.Take(5))}, ...");

    private static string[] LeftOut(TensorFile file, WeightPart part) => [.. file.Entries.Keys.Where(name => BackboneName(part, name) is null)];

    private static bool IsLearned(TensorEntry entry) => entry.Type is "F64" or "F32" or "F16" or "BF16";

    /// <summary>Names of a part to those of a bare backbone; heads are left out.</summary>
    private static string? BackboneName(WeightPart part, string key)
    {
        if (part.NameOf(key) is not { } name)
            return null;
        if (name.StartsWith(BackbonePrefix, StringComparison.Ordinal))
            name = name[BackbonePrefix.Length..];
        return s_others.Any(other => name.StartsWith(other, StringComparison.Ordinal)) ? null : name;
    }
}
