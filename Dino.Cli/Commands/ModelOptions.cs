using System.CommandLine;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Retrieval;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Cli.Commands;

/// <summary>Which weights.</summary>
internal sealed class ModelOptions(bool required)
{
    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "A file of weights: .safetensors (teacher.safetensors, student.safetensors or a checkpoint of dino train), a .pth of PyTorch, or the .index.json of shards of either; or a folder of dino train, of transformers or of timm. File and folder tell the architecture; --arch or --heads helps where a file alone has heads that are not 64 wide.",
        Required = required,
    };

    private readonly Option<string?> _key = Options.OptionalText("--key", "Part of a checkpoint to take, such as student (teacher where there is one).");
    private readonly Option<int?> _channels = Options.Optional<int>("--channels", "Adapt the first layer to 1 channel: pictures are turned grey (as many as it has).");
    private readonly ArchitectureOptions _architecture = new(required ? ArchitectureSource.Weights : ArchitectureSource.WeightsIfGiven);

    public PrecisionOption Precision { get; } = new(isForInference: true);

    public void AddTo(Command command)
    {
        command.Add(_weights);
        command.Add(_key);
        command.Add(_channels);
        _architecture.AddTo(command);
        Precision.AddTo(command);
    }

    /// <summary>The file as it was given.</summary>
    public string PathOf(ParseResult parsed) => parsed.GetValue(_weights)!;

    /// <summary>The part as it was asked for; null for the usual one.</summary>
    public string? KeyOf(ParseResult parsed) => parsed.GetValue(_key);

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    /// <summary>What features of the model depend on.</summary>
    public EmbeddingSettings SettingsOf(ParseResult parsed, LoadedModel model, FeatureExtractor extractor, Preprocessing preprocessing) =>
        EmbeddingSettings.Of(model, PathOf(parsed), extractor, preprocessing, KeyOf(parsed), Precision.NameOf(parsed));

    /// <summary>The model that made an index, for one picture: its weights where they were, unless others are given.</summary>
    /// <exception cref="InvalidDataException">It is another one.</exception>
    public LoadedModel LoadOf(ParseResult parsed, Device device, FeatureIndex index, out FeatureExtractor extractor)
    {
        (string weights, string? key) = (parsed.GetValue(_weights) ?? index.Settings.Model, parsed.GetValue(_key) ?? index.Settings.Key);
        if (!IsGiven(parsed) && !Path.Exists(weights))
            throw new FileNotFoundException($"{index.Path} was made with the weights {weights}, which are not there any more. Give --weights with the place where they are now.", weights);
        WeightFormat format = Precision.FormatOf(parsed);
        LoadedModel model = Load(parsed, device, format == WeightFormat.F32 ? null : format, mapped: true, weights, key);
        try
        {
            extractor = new FeatureExtractor(model, index.Settings.Feature, blocks: index.Settings.Blocks);
            index.Require(EmbeddingSettings.Of(model, weights, extractor, index.Settings.Preprocessing, key, Precision.NameOf(parsed)));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <param name="once">Whether one picture is all that the network will see.</param>
    public LoadedModel Load(ParseResult parsed, Device device, bool once = false)
    {
        WeightFormat format = Precision.FormatOf(parsed);
        // Packing floats takes as long as one pass, which gains a tenth by it; the results differ by the rounding of sums.
        return Load(parsed, device, once && format == WeightFormat.F32 ? null : format, mapped: once, PathOf(parsed), KeyOf(parsed));
    }

    /// <summary>The architecture of the weights (or the described one) with first weights.</summary>
    public LoadedModel Untrained(ParseResult parsed, Device device, ulong seed, int imageSize)
    {
        if (!IsGiven(parsed))
        {
            BackboneOptions described = _architecture.Resolve(parsed, imageSize);
            return ModelFile.Untrained(described with { Channels = ChannelsOf(parsed) ?? described.Channels }, device, seed, Precision.FormatOf(parsed));
        }

        using LoadedModel model = Load(parsed, device, format: null, mapped: true, PathOf(parsed), KeyOf(parsed));
        return ModelFile.Untrained(model.Backbone.Options, device, seed, Precision.FormatOf(parsed)) with { Preprocessing = model.Preprocessing };
    }

    private int? ChannelsOf(ParseResult parsed) => parsed.GetValue(_channels) is not { } channels ? null
        : channels is 1 or 3 ? channels
        : throw new ArgumentException($"--channels must be 1 or 3, not {channels}: pictures have no others.");

    private LoadedModel Load(ParseResult parsed, Device device, WeightFormat? format, bool mapped, string path, string? key)
    {
        if (!Directory.Exists(path))
            Options.RequireFile(path, "--weights", "Give the .safetensors or .pth file of a network, such as teacher.safetensors in the --output folder of dino train, or in demo/run after dino demo; or a folder with one.");
        try
        {
            return ModelFile.Load(path, device, new()
            {
                Key = key,
                Format = format,
                Mapped = mapped,
                Channels = ChannelsOf(parsed),
                Amend = found => _architecture.Amend(parsed, found),
            });
        }
        catch (Exception error) when (error is InvalidDataException or TorchFileException or FileNotFoundException)
        {
            throw new InvalidDataException($"--weights: {error.Message}", error);
        }
    }
}
