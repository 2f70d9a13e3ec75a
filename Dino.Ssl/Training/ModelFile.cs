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
    private static readonly string[] s_prefixes = ["teacher.", "module.", "backbone."];

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
    /// A file of ours (of a checkpoint, the teacher is taken), or any safetensors file with the official names of a DINO, DINOv2 or DINOv3 vision
    /// transformer or of a torchvision ResNet: its architecture is read off names and shapes.
    /// </param>
    /// <param name="device">Where to put it.</param>
    /// <param name="amend">Changes the vision transformer that was found, for what shapes do not tell (the heads).</param>
    /// <param name="format">Packs the weights of linear layers and convolutions for speed; null leaves them readable.</param>
    /// <param name="mapped">
    /// Uses the weights where they are in the file: nothing is read before it is needed, which is the quickest start for a few pictures. The file must
    /// not be rewritten in place while the model is in use: that would end the process. With a format the file is needed during this call only.
    /// </param>
    /// <exception cref="InvalidDataException">The file does not hold a network that is known here.</exception>
    /// <exception cref="StateDictException">The weights do not fit the architecture; names the keys.</exception>
    public static LoadedModel Load(string path, Device device, Func<VisionTransformerOptions, VisionTransformerOptions>? amend = null, WeightFormat? format = null, bool mapped = false)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        bool hasTeacher = file.Entries.Keys.Any(key => key.StartsWith(s_prefixes[0], StringComparison.Ordinal));
        string? Rename(string key) => hasTeacher && !key.StartsWith(s_prefixes[0], StringComparison.Ordinal) ? null : BackboneName(key);
        string? kind = file.Metadata.GetValueOrDefault("format");
        MultiCropOptions? crops = kind is Format or Checkpoint.Format ? Describe(file, path, "crops", SslJson.Default.MultiCropOptions) : null;
        BackboneOptions? architecture = kind switch
        {
            Format when file.Metadata.ContainsKey(ResNetKey) => Describe(file, path, ResNetKey, SslJson.Default.ResNetOptions),
            Format => Describe(file, path, "backbone", SslJson.Default.VisionTransformerOptions),
            Checkpoint.Format => Describe(file, path, "options", SslJson.Default.DinoOptions).Network,
            _ => Probe(file, Rename),
        };
        if (architecture is null)
            throw new InvalidDataException($"{path} holds no vision transformer with the names of DINO, DINOv2 or DINOv3 (patch_embed.proj.weight, pos_embed or rope_embed.periods, blocks.0.*) and no ResNet (conv1.weight, layer1.0.*). It holds {string.Join(", ", file.Entries.Keys.Take(5))}, ...");
        if (amend is not null && architecture is VisionTransformerOptions found)
            architecture = amend(found);
        architecture = architecture.WithoutDropPath() with { Classes = 0 };
        ParameterStore store = new();
        try
        {
            Backbone backbone = architecture.Build(store.Root);
            if (mapped || format is not null)
            {
                StateDict.Map(store, device, file, Rename);
            }
            else
            {
                store.Allocate(device, withGradients: false, initialize: false);
                StateDict.Load(store, file, Rename);
            }

            if (format is { } chosen)
                store.PackWeights(chosen);
            return new LoadedModel(backbone, crops?.Normalization ?? PixelNormalization.ImageNet);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>A backbone with first weights, for comparison with a trained one.</summary>
    /// <inheritdoc cref="Load"/>
    public static LoadedModel Untrained(BackboneOptions architecture, Device device, ulong seed = 0, WeightFormat? format = null)
    {
        ParameterStore store = new();
        Backbone backbone = architecture.WithoutDropPath().Build(store.Root);
        store.Allocate(device, seed, withGradients: false);
        if (format is { } chosen)
            store.PackWeights(chosen);
        return new LoadedModel(backbone, PixelNormalization.ImageNet);
    }

    private static T Describe<T>(SafetensorsFile file, string path, string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return file.Metadata.TryGetValue(name, out string? json) && JsonSerializer.Deserialize(json, type) is { } value
                ? value
                : throw new InvalidDataException($"{path} is damaged: its metadata lack '{name}'.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is damaged: '{name}' of its metadata is not what it should be ({error.Message}).", error);
        }
    }

    private static BackboneOptions? Probe(SafetensorsFile file, Func<string, string?> rename)
    {
        Dictionary<string, SafetensorsEntry> entries = new(StringComparer.Ordinal);
        foreach (SafetensorsEntry entry in file.Entries.Values)
        {
            if (rename(entry.Name) is { } name)
                entries[name] = entry;
        }

        return ArchitectureProbe.Probe(entries);
    }

    /// <summary>Official names to those of a bare backbone; heads are left out.</summary>
    private static string? BackboneName(string key)
    {
        foreach (string prefix in s_prefixes)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal))
                key = key[prefix.Length..];
        }

        return s_others.Any(other => key.StartsWith(other, StringComparison.Ordinal)) ? null : key;
    }
}
