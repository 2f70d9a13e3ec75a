using System.CommandLine;
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
        Description = "A file of weights: .safetensors (teacher.safetensors, student.safetensors or a checkpoint of dino train), .safetensors.index.json, or a .pth of PyTorch. The file tells the architecture; --arch or --heads helps where heads are not 64 wide.",
        Required = required,
    };

    private readonly Option<string?> _key = Options.OptionalText("--key", "Part of a checkpoint to take, such as student (teacher where there is one).");
    private readonly ArchitectureOptions _architecture = new(required ? ArchitectureSource.Weights : ArchitectureSource.WeightsIfGiven);

    public PrecisionOption Precision { get; } = new(isForInference: true);

    public void AddTo(Command command)
    {
        command.Add(_weights);
        command.Add(_key);
        _architecture.AddTo(command);
        Precision.AddTo(command);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    /// <summary>Which file and which part of it; both may be missing where weights need not be given.</summary>
    public (string? Weights, string? Key) Given(ParseResult parsed) => (parsed.GetValue(_weights), parsed.GetValue(_key));

    /// <summary>The model that made an index, for one picture: its weights where they were, unless others are given.</summary>
    public LoadedModel LoadOf(ParseResult parsed, Device device, IndexOrigin origin, string index, out IndexOrigin found)
    {
        (string weights, string? key) = (parsed.GetValue(_weights) ?? origin.Weights, parsed.GetValue(_key) ?? origin.Key);
        if (!IsGiven(parsed) && !File.Exists(weights))
            throw new FileNotFoundException($"{index} was made with the weights {weights}, which are not there any more. Give --weights with the place where they are now.", weights);
        LoadedModel model = Load(parsed, device, Precision.FormatOf(parsed) is var format && format == WeightFormat.F32 ? null : format, mapped: true, weights, key);
        found = IndexOrigin.Of(weights, key, model, origin.Preprocessing);
        return model;
    }

    /// <param name="once">Whether one picture is all that the network will see.</param>
    public LoadedModel Load(ParseResult parsed, Device device, bool once = false)
    {
        WeightFormat format = Precision.FormatOf(parsed);
        // Packing floats takes as long as one pass, which gains a tenth by it; the results differ by the rounding of sums.
        return Load(parsed, device, once && format == WeightFormat.F32 ? null : format, mapped: once, parsed.GetValue(_weights)!, parsed.GetValue(_key));
    }

    /// <summary>The architecture of the weights (or the described one) with first weights.</summary>
    public LoadedModel Untrained(ParseResult parsed, Device device, ulong seed, int imageSize)
    {
        if (!IsGiven(parsed))
            return ModelFile.Untrained(_architecture.Resolve(parsed, imageSize), device, seed, Precision.FormatOf(parsed));
        using LoadedModel model = Load(parsed, device, format: null, mapped: true, parsed.GetValue(_weights)!, parsed.GetValue(_key));
        return ModelFile.Untrained(model.Backbone.Options, device, seed, Precision.FormatOf(parsed)) with { Preprocessing = model.Preprocessing };
    }

    private LoadedModel Load(ParseResult parsed, Device device, WeightFormat? format, bool mapped, string path, string? key)
    {
        // The folder of a run is what is most often given in place of the weights in it.
        string inside = Path.Combine(path, "teacher.safetensors");
        Options.RequireFile(path, "--weights", File.Exists(inside) ? $"Give --weights {inside}." : "Give the .safetensors or .pth file of a network, such as teacher.safetensors in the --output folder of dino train, or in demo/run after dino demo.");
        try
        {
            return ModelFile.Load(path, device, found => _architecture.Amend(parsed, found), format, mapped, key);
        }
        catch (Exception error) when (error is InvalidDataException or TorchFileException)
        {
            throw new InvalidDataException($"--weights: {error.Message}", error);
        }
    }
}
