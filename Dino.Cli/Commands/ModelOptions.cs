using System.CommandLine;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary>Which weights.</summary>
internal sealed class ModelOptions(bool required)
{
    private readonly Option<string?> _weights = new("--weights") { Description = "A .safetensors file: one of ours, or of another DINO vision transformer (--arch or --heads if its heads are not 64 wide).", Required = required };
    private readonly ArchitectureOptions _architecture = new();

    public void AddTo(Command command)
    {
        command.Add(_weights);
        _architecture.AddTo(command);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    public LoadedModel Load(ParseResult parsed, Device device) =>
        ModelFile.Load(parsed.GetValue(_weights)!, device, found => _architecture.Amend(parsed, found));

    /// <summary>The architecture of the weights (or the described one) with first weights.</summary>
    public LoadedModel Untrained(ParseResult parsed, Device device, ulong seed, int imageSize)
    {
        if (!IsGiven(parsed))
            return ModelFile.Untrained(_architecture.Resolve(parsed, imageSize), device, seed);
        using LoadedModel model = Load(parsed, device);
        return ModelFile.Untrained(model.Backbone.Options, device, seed) with { Normalization = model.Normalization };
    }
}
