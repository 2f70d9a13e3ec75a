using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Models;
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
    internal const string Format = "dino-weights-1";
    internal const string ResNetKey = "resnet";
    internal const string TransformerKey = "backbone";
    internal const string PreprocessingKey = "preprocessing";
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
        (string name, string architecture) = MetadataOf(network.Backbone.Options);
        writer.Metadata[name] = architecture;
        writer.Metadata["crops"] = JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions);
        foreach (Parameter parameter in network.Store.All)
            writer.Add(parameter.Name, parameter.Tensor);
        writer.Save(path);
    }

    /// <summary>Loads the backbone of a file, or of a folder with one.</summary>
    /// <param name="path">
    /// A weight file or checkpoint of ours; or a DINO, DINOv2 or DINOv3 vision transformer or a ResNet under the names of the official code, of transformers or of timm:
    /// safetensors, the index of its shards, or what torch.save wrote, a released state dictionary or an official training checkpoint. Or a folder with such a file
    /// under a name that <see cref="ModelFolder"/> looks for. Architecture and preprocessing are those of our metadata or of the configuration files beside
    /// the weights; without them they are read off names and shapes.
    /// </param>
    /// <param name="device">Where to put it.</param>
    /// <param name="options">How to load it; null for the defaults.</param>
    /// <exception cref="FileNotFoundException">There is no such file, or the folder holds none.</exception>
    /// <exception cref="InvalidDataException">
    /// The file does not hold a network that is known here, or not under the key; or a configuration contradicts it, is damaged, or asks for what is not supported.
    /// </exception>
    /// <exception cref="TorchFileException">A file of torch.save that is damaged or not only data.</exception>
    /// <exception cref="StateDictException">The weights do not fit the architecture; names the keys.</exception>
    public static LoadedModel Load(string path, Device device, ModelLoadOptions? options = null)
    {
        options ??= new ModelLoadOptions();
        string full = Path.GetFullPath(path);
        using TensorFile file = ModelFolder.Open(path);
        ModelSource source = ModelSource.Find(file, options.Key);
        BackboneOptions architecture = source.Architecture ?? throw NoNetwork(file);
        Preprocessing preprocessing = source.PreprocessingOf(architecture);
        if (options.Amend is { } amend && architecture is VisionTransformerOptions transformer)
            architecture = amend(transformer);
        if (options.Channels is { } channels && channels != architecture.Channels)
        {
            source.Weights.AdaptChannels(channels);
            (architecture, preprocessing) = (architecture with { Channels = channels }, preprocessing.ForChannels(channels));
        }

        ParameterStore store = new();
        try
        {
            Backbone backbone = Build(source, architecture, store);
            Fill(store, device, source.Weights.Tensors, options.Mapped || options.Format is not null);
            if (options.Format is { } format)
                store.PackWeights(format);
            return new LoadedModel(backbone, preprocessing)
            {
                LeftOut = source.Weights.LeftOut,
                Source = new Lazy<string>(() => ModelFingerprint.Of(full, options.Key)),
            };
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
    /// <exception cref="InvalidDataException">The file holds nothing under the key, or is damaged; or the configuration beside it is.</exception>
    public static ModelDescription Describe(TensorFile file, string? key = null)
    {
        ModelSource source = ModelSource.Find(file, key);
        (BackboneWeights weights, string? problem) = (source.Weights, null);
        if (source.Architecture is { } architecture)
        {
            try
            {
                ParameterStore store = new();
                architecture = Build(source, architecture, store).Options;
                StateDict.Check(store, weights.Tensors);
                return new ModelDescription(weights.Part.Key, architecture, null, store.Count, weights.LeftOut, weights.Naming, source.PreprocessingOf(architecture));
            }
            catch (StateDictException error)
            {
                problem = error.Message;
            }
        }

        return new ModelDescription(weights.Part.Key, null, problem ?? NoNetwork(file).Message, weights.Part.Entries.Where(IsLearned).Sum(entry => entry.Count), [], weights.Naming, null);
    }

    /// <summary>A network of transformers or timm under official names; null for a file that has them, or of no network that is known.</summary>
    /// <param name="file">An open file.</param>
    /// <param name="key">As <see cref="ModelLoadOptions.Key"/>.</param>
    /// <exception cref="InvalidDataException">The file holds nothing under the key, or is damaged; or the configuration beside it is.</exception>
    /// <exception cref="StateDictException">The weights do not fit the architecture; names the keys.</exception>
    public static ConvertedModel? Officially(TensorFile file, string? key = null)
    {
        // First, because the configuration beside other networks need not be one that is known here.
        if (BackboneWeights.Find(file, key).Naming == WeightNaming.Official)
            return null;
        ModelSource source = ModelSource.Find(file, key);
        if (source.Architecture is not { } architecture)
            return null;
        ParameterStore store = new();
        architecture = Build(source, architecture, store).Options;
        StateDict.Check(store, source.Weights.Tensors);
        (string name, string described) = MetadataOf(architecture);
        Dictionary<string, string> metadata = new(StringComparer.Ordinal)
        {
            ["format"] = Format,
            [name] = described,
            [PreprocessingKey] = JsonSerializer.Serialize(source.PreprocessingOf(architecture), SslJson.Default.Preprocessing),
        };
        return new ConvertedModel(source.Weights.Tensors, metadata, source.Weights.LeftOut);
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
        string? fingerprint = format is null ? null : ModelFingerprint.Of(backbone);
        if (format is { } chosen)
            store.PackWeights(chosen);
        Preprocessing preprocessing = Preprocessing.ForSize(architecture.ImageSize);
        return new LoadedModel(backbone, architecture.Channels == preprocessing.Channels ? preprocessing : preprocessing.ForChannels(architecture.Channels))
        {
            Source = fingerprint is null ? null : new Lazy<string>(fingerprint),
        };
    }

    private static (string Name, string Json) MetadataOf(BackboneOptions architecture) => architecture is ResNetOptions resNet
        ? (ResNetKey, JsonSerializer.Serialize(resNet, SslJson.Default.ResNetOptions))
        : (TransformerKey, JsonSerializer.Serialize((VisionTransformerOptions)architecture, SslJson.Default.VisionTransformerOptions));

    private static Backbone Build(ModelSource source, BackboneOptions architecture, ParameterStore store)
    {
        architecture = architecture.WithoutDropPath() with { Classes = 0 };
        source.Weights.Complete(architecture);
        return architecture.Build(store.Root);
    }

    private static void Fill(ParameterStore store, Device device, TensorFile tensors, bool mapped)
    {
        if (mapped)
        {
            StateDict.Map(store, device, tensors);
            return;
        }

        // Before memory is taken: one tensor says how large all others are to be, and a file may lie.
        StateDict.Check(store, tensors);
        store.Allocate(device, withGradients: false, initialize: false);
        StateDict.Load(store, tensors);
    }

    private static InvalidDataException NoNetwork(TensorFile file) => new(
        $"{file.FilePath} holds no vision transformer with the names of DINO, DINOv2 or DINOv3 (patch_embed.proj.weight, pos_embed or rope_embed.periods, blocks.0.*), of their versions in transformers or timm, and no ResNet (conv1.weight, layer1.0.*). It holds {string.Join(", ", file.Entries.Keys.Take(5))}, ...");

    private static bool IsLearned(TensorEntry entry) => entry.Type is "F64" or "F32" or "F16" or "BF16";
}
