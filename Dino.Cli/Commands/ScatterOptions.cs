using System.CommandLine;
using Dino.Cli.Display;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Plots;
using Dino.Ssl.Projection;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary>What commands share that place the pictures of a folder in the plane: whose features, and how the plot is drawn.</summary>
internal sealed class ScatterOptions
{
    private readonly ModelOptions _model = new(required: true);
    private readonly PictureOptions _pictures = new();
    private readonly DeviceOptions _devices;
    private readonly Option<string> _input = Options.Required("--input", "A folder of pictures; sub-folders are classes and give the colours.");
    private readonly Option<string> _output = Options.Required("--output", "The file to write: .svg shows the name of a picture where the pointer rests, .png is a picture. Its folder is made if there is none.");
    private readonly Option<bool> _thumbnails = Options.Flag("--thumbnails", "Draw the pictures themselves in place of points; only into a .png.");
    private readonly Option<long> _seed = Options.Of("--seed", "Seed of what is left to chance.", 0L);
    private readonly Option<bool> _json = Options.Json();

    public ScatterOptions() => _devices = new DeviceOptions(_model.Precision);

    /// <summary>Places rows in the plane.</summary>
    public delegate PlaneResult Method(Device device, FeatureSet features, ulong seed, int threads, IProgress<PlaneProgress> progress, CancellationToken cancellationToken);

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_input, _output, _thumbnails, _seed, _json])
            command.Add(option);
        _pictures.AddTo(command);
        _model.AddTo(command);
        _devices.AddTo(command);
    }

    /// <summary>Features, their places, and the plot.</summary>
    /// <param name="name">Of the method, for the title.</param>
    /// <param name="requirePoints">Refuses a folder with too few pictures before anything is computed.</param>
    public int Run(ParseResult parsed, string name, Action<int> requirePoints, Method method, CancellationToken cancellationToken)
    {
        string path = Options.RequireOutput(parsed.GetValue(_output)!, ".svg", ".png");
        bool showsPictures = parsed.GetValue(_thumbnails);
        if (showsPictures && Path.GetExtension(path) != ".png")
            throw new ArgumentException("--thumbnails draws a .png: change --output.");
        int batch = _pictures.Batch(parsed), threads = _devices.Threads(parsed);
        ImageFolder folder = ImageFolder.Open(parsed.GetValue(_input)!);
        requirePoints(folder.Count);
        using Device device = _devices.Open(parsed);
        FeatureSet features;
        using (LoadedModel loaded = _model.Load(parsed, device))
        {
            Preprocessing seen = _pictures.Resolve(parsed, loaded);
            Options.MakeFolder(path);
            using PictureProgress progress = new(folder.Count);
            features = FeatureSet.OfModel(loaded, folder, seen, normalize: true, batch, progress, cancellationToken);
        }

        LeftOut.Say(features.Skipped, parsed.GetValue(_input));
        requirePoints(features.Count);
        PlaneResult result = Embed(device, features, (ulong)parsed.GetValue(_seed), threads, method, cancellationToken);
        ScatterPlot plot = new()
        {
            Title = $"{name} of {features.Count} pictures in {Path.GetFileName(folder.Path)}",
            Points = [.. Enumerable.Range(0, features.Count).Select(i => new ScatterPoint(result.X[i], result.Y[i], features.Labels[i], Path.GetFileName(features.Paths[i])))],
            Groups = features.Classes,
        };
        int shown = Save(plot, features, path, showsPictures, cancellationToken);
        if (parsed.GetValue(_json))
            JsonOutput.Print(new ScatterOutput(features.Count, features.Width, features.Skipped.Count, result.Iterations, result.Divergence, shown, path), CliJson.Default.ScatterOutput);
        else
            Console.Out.WriteLine($"{path}: {Wording.Count(features.Count, "picture")}{(shown < features.Count ? $", {shown} of them shown: the others lie where there is no room" : "")}{(result.Divergence is { } divergence ? $"; Kullback-Leibler divergence {divergence:f3}" : "")}");
        return 0;
    }

    private static PlaneResult Embed(Device device, FeatureSet features, ulong seed, int threads, Method method, CancellationToken cancellationToken)
    {
        // The number of steps is the method's to choose: the display begins with its first report.
        PictureProgress? display = null;
        try
        {
            return method(device, features, seed, threads, new Listener(step => (display ??= new PictureProgress(step.Total, "steps")).Report(step.Done)), cancellationToken);
        }
        finally
        {
            display?.Dispose();
        }
    }

    /// <returns>How many pictures the plot shows.</returns>
    private static int Save(ScatterPlot plot, FeatureSet features, string path, bool showsPictures, CancellationToken cancellationToken)
    {
        int shown = features.Count;
        if (Path.GetExtension(path) == ".svg")
            plot.Save(path);
        else
            PngEncoder.Save(showsPictures ? plot.ToThumbnails(i => Decode(features.Paths[i]), out shown, cancellationToken) : plot.ToImage(), path);
        return shown;
    }

    /// <summary>A file that is gone or was changed since its feature was computed costs its own place only.</summary>
    private static Image? Decode(string path)
    {
        try
        {
            return ImageFile.Decode(path);
        }
        catch (Exception error) when (error is ImageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reports on the thread that computes: <see cref="Progress{T}"/> would come late.</summary>
    private sealed class Listener(Action<PlaneProgress> report) : IProgress<PlaneProgress>
    {
        public void Report(PlaneProgress value) => report(value);
    }
}
