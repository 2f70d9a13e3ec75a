using System.CommandLine;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cli.Commands;

/// <summary>Which weights.</summary>
internal sealed class ModelOptions(bool required)
{
    private readonly Option<string?> _weights = new("--weights") { Description = "A .safetensors file: one of ours, or of another DINO vision transformer (--arch or --heads if its heads are not 64 wide).", Required = required };
    private readonly ArchitectureOptions _architecture = new();
    private readonly PrecisionOption _precision = new();

    public void AddTo(Command command)
    {
        command.Add(_weights);
        _architecture.AddTo(command);
        _precision.AddTo(command);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    public LoadedModel Load(ParseResult parsed, Device device) => Load(parsed, device, _precision.Of(parsed));

    /// <summary>The architecture of the weights (or the described one) with first weights.</summary>
    public LoadedModel Untrained(ParseResult parsed, Device device, ulong seed, int imageSize)
    {
        if (!IsGiven(parsed))
            return ModelFile.Untrained(_architecture.Resolve(parsed, imageSize), device, seed, _precision.Of(parsed));
        using LoadedModel model = Load(parsed, device, null);
        return ModelFile.Untrained(model.Backbone.Options, device, seed, _precision.Of(parsed)) with { Normalization = model.Normalization };
    }

    private LoadedModel Load(ParseResult parsed, Device device, WeightFormat? format) =>
        ModelFile.Load(parsed.GetValue(_weights)!, device, found => _architecture.Amend(parsed, found), format);
}
