using System.CommandLine;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cli.Commands;

/// <summary>Which weights.</summary>
internal sealed class ModelOptions(bool required)
{
    private readonly Option<string?> _weights = new("--weights") { Description = "A file of ours, or of another DINO vision transformer: .safetensors, .safetensors.index.json or .pth (--arch or --heads if its heads are not 64 wide).", Required = required };
    private readonly Option<string?> _key = Options.OptionalText("--key", "Part of a checkpoint to take, such as student (teacher where there is one).");
    private readonly ArchitectureOptions _architecture = new();
    private readonly PrecisionOption _precision = new();

    public void AddTo(Command command)
    {
        command.Add(_weights);
        command.Add(_key);
        _architecture.AddTo(command);
        _precision.AddTo(command);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    /// <param name="once">Whether one picture is all that the network will see.</param>
    public LoadedModel Load(ParseResult parsed, Device device, bool once = false)
    {
        WeightFormat format = _precision.Of(parsed);
        // Packing floats takes as long as one pass, which gains a tenth by it; the results differ by the rounding of sums.
        return Load(parsed, device, once && format == WeightFormat.F32 ? null : format, mapped: once);
    }

    /// <summary>The architecture of the weights (or the described one) with first weights.</summary>
    public LoadedModel Untrained(ParseResult parsed, Device device, ulong seed, int imageSize)
    {
        if (!IsGiven(parsed))
            return ModelFile.Untrained(_architecture.Resolve(parsed, imageSize), device, seed, _precision.Of(parsed));
        using LoadedModel model = Load(parsed, device, format: null, mapped: true);
        return ModelFile.Untrained(model.Backbone.Options, device, seed, _precision.Of(parsed)) with { Normalization = model.Normalization };
    }

    private LoadedModel Load(ParseResult parsed, Device device, WeightFormat? format, bool mapped) =>
        ModelFile.Load(parsed.GetValue(_weights)!, device, found => _architecture.Amend(parsed, found), format, mapped, parsed.GetValue(_key));
}
