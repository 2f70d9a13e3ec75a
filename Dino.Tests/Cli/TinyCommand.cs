using System.Globalization;
using Dino.Ssl.Demo;

namespace Dino.Tests.Cli;

/// <summary>Pictures on disk, and the arguments of a training run that takes a moment.</summary>
public sealed class TinyCommand : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Twenty training pictures and ten test pictures of ten classes.</summary>
    public TinyCommand() => DrawnPictures.WriteTo(_folder.Path("pictures"), trainPerClass: 2, testPerClass: 1, seed: 8, size: 24);

    public string TrainData => _folder.Path("pictures", "train");

    public string TestData => _folder.Path("pictures", "test");

    public string Path(params string[] parts) => _folder.Path(parts);

    /// <summary>Five steps an epoch.</summary>
    /// <param name="output">Folder for the run, below this one.</param>
    /// <param name="epochs">Passes over the pictures.</param>
    /// <param name="changed">Options with one value each; they replace those given here. Flags follow at the end.</param>
    public string[] Train(string output, int epochs, params string[] changed)
    {
        (string Name, string Value)[] options =
        [
            ("--data", TrainData), ("--output", Path(output)), ("--epochs", epochs.ToString(CultureInfo.InvariantCulture)),
            ("--embed-dim", "16"), ("--depth", "2"), ("--heads", "2"), ("--patch-size", "8"), ("--image-size", "16"), ("--local-size", "8"), ("--local-crops", "2"),
            ("--out-dim", "32"), ("--hidden-dim", "24"), ("--bottleneck-dim", "8"), ("--batch-size", "4"), ("--warmup-epochs", "1"), ("--drop-path", "0.2"), ("--threads", "1"),
        ];
        return ["train", .. options.Where(option => !changed.Contains(option.Name)).SelectMany(option => (string[])[option.Name, option.Value]), "--json", .. changed];
    }

    public void Dispose() => _folder.Dispose();
}
