using System.CommandLine;
using Dino.Cli.Display;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary>Where features come from: pictures through a network, or a file of <c>dino embed</c>.</summary>
/// <param name="withoutAny">Whether the command does without.</param>
internal sealed class FeatureSource(bool withoutAny)
{
    private readonly Option<string?> _input = Options.OptionalText("--input", "A folder of pictures, at any depth.");
    private readonly Option<string?> _features = Options.OptionalText("--features", "In place of --input and --weights: a file of dino embed, .npy or .safetensors, with its .txt beside it.");
    private readonly ModelOptions _model = new(required: false);
    private readonly PictureOptions _pictures = new();
    private DeviceOptions? _devices;

    private DeviceOptions Devices => _devices ??= new DeviceOptions(_model.Precision);

    public void AddTo(Command command)
    {
        command.Add(_input);
        command.Add(_features);
        _pictures.AddTo(command);
        _model.AddTo(command);
        Devices.AddTo(command);
    }

    public Device Open(ParseResult parsed)
    {
        (bool input, bool features, bool weights) = (parsed.GetValue(_input) is not null, parsed.GetValue(_features) is not null, _model.IsGiven(parsed));
        if (input == features)
            throw new ArgumentException("Give either --input DIR or --features FILE.");
        if (features && weights)
            throw new ArgumentException("--features and --weights exclude each other: features are what weights are for.");
        if (input && !weights && !withoutAny)
            throw new ArgumentException("--input needs --weights FILE.");
        return Devices.Open(parsed);
    }

    /// <summary>The folder as it was given; null if features were.</summary>
    public string? Input(ParseResult parsed) => parsed.GetValue(_input);

    /// <summary>The pictures, and their features if there are any.</summary>
    public (ImageFolder Folder, FeatureSet? Features) Read(ParseResult parsed, Device device, CancellationToken cancellation)
    {
        if (parsed.GetValue(_features) is { } path)
        {
            FeatureSet known = FeatureFile.Load(Options.RequireFile(path, "--features", "Make one with dino embed."));
            return (ImageFolder.Of(known.Paths), known);
        }

        ImageFolder folder = ImageFolder.OpenTree(parsed.GetValue(_input)!);
        if (!_model.IsGiven(parsed))
            return (folder, null);
        using LoadedModel model = _model.Load(parsed, device);
        using PictureProgress progress = new(folder.Count, "features");
        return (folder, FeatureSet.OfModel(model, folder, _pictures.Resolve(parsed, model), normalize: true, _pictures.Batch(parsed), progress, cancellation));
    }
}
