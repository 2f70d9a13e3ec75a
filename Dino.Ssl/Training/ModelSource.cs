using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Models;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>What a file of weights is: where its backbone is, of which architecture, and who says so.</summary>
internal sealed class ModelSource
{
    private readonly TensorFile _file;
    private readonly ConfigFile? _config;

    private ModelSource(TensorFile file, BackboneWeights weights, ConfigFile? config)
    {
        (_file, Weights, _config) = (file, weights, config);
        try
        {
            Architecture = Recognize();
            Architecture?.Validate();
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{file.FilePath} is damaged, or of no network that is known here: {error.Message}", error);
        }
    }

    /// <summary>The backbone's tensors.</summary>
    public BackboneWeights Weights { get; }

    /// <summary>Its architecture by the file's own words, by the configuration beside it, or by the shapes; null if it is not one of ours.</summary>
    public BackboneOptions? Architecture { get; }

    /// <summary>Whether the file is one of ours, with everything in its metadata.</summary>
    private bool IsOurs => _file.Metadata.GetValueOrDefault("format") is ModelFile.Format or Checkpoint.Format;

    /// <summary>Finds the backbone of a file.</summary>
    /// <param name="file">An open file.</param>
    /// <param name="key">As <see cref="ModelLoadOptions.Key"/>.</param>
    /// <exception cref="InvalidDataException">Nothing lies under the key; or metadata or configuration are damaged, contradict the weights, or ask for what is not supported.</exception>
    public static ModelSource Find(TensorFile file, string? key)
    {
        // Before the weights: a network of another type says so here, and not in the names of its tensors.
        ConfigFile? config = ModelFolder.ConfigOf(file.FilePath);
        if (config is not null && HuggingFaceConfig.Fits(config))
            HuggingFaceConfig.RequireSupported(config);
        return new ModelSource(file, BackboneWeights.Find(file, key), config);
    }

    /// <summary>What is done to pictures: by the file's own words, by the configurations beside it, or as the official code of the network does.</summary>
    /// <param name="architecture">Of the network.</param>
    public Preprocessing PreprocessingOf(BackboneOptions architecture)
    {
        if (IsOurs && _file.Metadata.ContainsKey(ModelFile.PreprocessingKey))
            return Checked(Read(ModelFile.PreprocessingKey, SslJson.Default.Preprocessing), _file.FilePath);
        if (IsOurs)
            return Preprocessing.ForSize(architecture.ImageSize) with { Normalization = Read("crops", SslJson.Default.MultiCropOptions).Normalization };
        if (ModelFolder.PreprocessorOf(_file.FilePath) is { } preprocessor)
            return Checked(PreprocessorConfig.Read(preprocessor), preprocessor.Path);
        if (_config is not null && TimmConfig.Fits(_config) && TimmConfig.Preprocessing(_config) is { } told)
            return Checked(told, _config.Path);
        Preprocessing official = Preprocessing.Official(architecture);
        // Those of torchvision come with their classifier, DINO's without.
        bool hasClassifier = Weights.LeftOut.Any(name => name.EndsWith("fc.weight", StringComparison.Ordinal) || name.EndsWith("classifier.1.weight", StringComparison.Ordinal));
        return architecture is ResNetOptions && hasClassifier ? official with { Filter = ResizeFilter.Bilinear } : official;
    }

    private BackboneOptions? Recognize()
    {
        switch (_file.Metadata.GetValueOrDefault("format"))
        {
            case ModelFile.Format when _file.Metadata.ContainsKey(ModelFile.ResNetKey): return Read(ModelFile.ResNetKey, SslJson.Default.ResNetOptions);
            case ModelFile.Format: return Read(ModelFile.TransformerKey, SslJson.Default.VisionTransformerOptions);
            case Checkpoint.Format: return Read("options", SslJson.Default.DinoOptions).Network;
        }

        BackboneOptions? found = ArchitectureProbe.Probe(Weights.Tensors.Entries);
        if (found is null || _config is null)
            return found;
        return HuggingFaceConfig.Fits(_config) ? HuggingFaceConfig.Amend(_config, found)
            : TimmConfig.Fits(_config) ? TimmConfig.Amend(_config, found)
            : throw new InvalidDataException($"{_config.Path} has neither the 'model_type' of transformers nor the 'architecture' of timm: it does not tell which model lies beside it. Remove it to have the architecture read off the weights.");
    }

    private static Preprocessing Checked(Preprocessing preprocessing, string path)
    {
        try
        {
            preprocessing.Validate();
            return preprocessing;
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{path} is damaged: {error.Message}", error);
        }
    }

    private T Read<T>(string name, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return _file.Metadata.TryGetValue(name, out string? json) && JsonSerializer.Deserialize(json, type) is { } value
                ? value
                : throw new InvalidDataException($"{_file.FilePath} is damaged: its metadata lack '{name}'.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{_file.FilePath} is damaged: '{name}' of its metadata is not what it should be ({error.Message}).", error);
        }
    }
}
