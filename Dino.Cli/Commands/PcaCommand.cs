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

/// <summary><c>dino pca</c>: patches in the colours of their principal components.</summary>
internal static class PcaCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        DeviceOptions devices = new(model.Precision);
        Option<string[]> images = new("--image") { Description = "PNG or JPEG pictures, which share their colours.", AllowMultipleArgumentsPerToken = true };
        Option<string?> input = Options.OptionalText("--input", "A folder of pictures, in place of --image.");
        Option<int> limit = Options.Of("--limit", "Pictures to take of a folder, spread evenly over it.", 12);
        Option<string> output = Options.Required("--output", "The PNG file to write; its folder is made if there is none.");
        Option<int?> side = Options.Optional<int>("--image-size", "Short side of a picture as the network sees it (480, or twice the trained size if that is less).");
        Option<bool> foreground = Options.Flag("--foreground", "Split off the foreground by the first component, and colour it by components of its own.");
        Option<double?> threshold = Options.Optional<double>("--threshold", "Where the first component is cut for --foreground, 0 to 1 of its range (where it falls best into two groups).");
        Option<bool> invert = Options.Flag("--invert", "Take the other side for --foreground: it is the one that is rarer at the edges.");
        Option<int> components = Options.Of("--components", "How many components to draw as maps of their own.", 0);
        Option<bool> smooth = Options.Flag("--smooth", "Blend patches into each other; without it each is a flat square.");
        Option<bool> json = Options.Json();
        Command command = new("pca", "Colour the patches of pictures by the first three principal components of their features, in one basis for all.") { images, input, limit, output, side, foreground, threshold, invert, components, smooth, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".png");
            int maps = parsed.GetValue(components) is var wanted and >= 0 and <= 64 ? wanted : throw new ArgumentException($"--components must be 0 to 64, not {parsed.GetValue(components)}.");
            if (parsed.GetValue(threshold) is { } cut && cut is not (>= 0 and < 1))
                throw new ArgumentException($"--threshold must lie in [0, 1), not {cut}.");
            bool splits = parsed.GetValue(foreground);
            if (!splits && (parsed.GetValue(invert) || parsed.GetValue(threshold) is not null))
                throw new ArgumentException("--threshold and --invert choose the foreground: give --foreground as well.");
            string[] sources = Sources(parsed.GetValue(images), parsed.GetValue(input), parsed.GetValue(limit));
            using Device device = devices.Open(parsed);
            Image[] pictures = Decode(ref sources, isFolder: parsed.GetValue(input) is not null);
            using LoadedModel loaded = model.Load(parsed, device, once: pictures.Length == 1);
            int size = Options.RequirePatches(parsed.GetValue(side), loaded);
            Options.MakeFolder(path);
            (PatchFeatures[] features, Image[] seen) = (new PatchFeatures[pictures.Length], new Image[pictures.Length]);
            using (PictureProgress progress = new(pictures.Length))
            {
                for (int i = 0; i < pictures.Length; i++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    features[i] = PatchFeatures.Of(loaded, pictures[i], size, out seen[i]);
                    progress.Report(i + 1);
                }
            }

            PatchComponents found = PatchComponents.Of(features, new PatchComponentsOptions
            {
                Components = Math.Max(3, maps), SplitsForeground = splits, Threshold = parsed.GetValue(threshold), Inverts = parsed.GetValue(invert), Threads = devices.Threads(parsed),
            }, cancellation);
            maps = Math.Min(maps, found.Whole.Count);
            PngEncoder.Save(found.Sheet(seen, [.. sources.Select(source => Path.GetFileName(source))], parsed.GetValue(smooth) ? Upsampling.Bilinear : Upsampling.Nearest, maps), path);
            double[] shares = [.. Enumerable.Range(0, Math.Max(Math.Min(3, found.Whole.Count), maps)).Select(i => found.Whole.Share(i))];
            int front = Enumerable.Range(0, features.Length).Sum(i => found.ForegroundOf(i).Count(isFront => isFront)), patches = features.Sum(picture => picture.Count);
            if (parsed.GetValue(json))
                JsonOutput.Print(new PcaOutput(features.Length, patches, shares, splits ? front : null, path), CliJson.Default.PcaOutput);
            else
                Console.Out.WriteLine($"{path}: {Wording.Count(features.Length, "picture")}, {Wording.Count(patches, "patch", "patches")}{(splits ? $", {front} of them foreground" : "")}; the components explain {string.Join(", ", shares.Select(share => $"{100 * share:f1} %"))}");
            return 0;
        });
    }

    /// <summary>The pictures; of a folder, those that can be used.</summary>
    private static Image[] Decode(ref string[] sources, bool isFolder)
    {
        List<(string Path, Image Image)> usable = [];
        foreach (string source in sources)
        {
            try
            {
                usable.Add((source, ImageFile.Decode(source)));
            }
            catch (Exception error) when (isFolder && (error is ImageException or IOException or UnauthorizedAccessException))
            {
                Console.Error.WriteLine($"left out {Wording.WithoutCode(error.Message)}");
            }
        }

        if (usable.Count == 0)
            throw new InvalidDataException("None of the pictures can be used.");
        sources = [.. usable.Select(picture => picture.Path)];
        return [.. usable.Select(picture => picture.Image)];
    }

    /// <summary>The files that were named, or some of a folder.</summary>
    private static string[] Sources(string[]? named, string? folder, int limit)
    {
        if (named is { Length: > 0 } == folder is not null)
            throw new ArgumentException("Give either --image with pictures or --input with a folder of them.");
        if (limit is < 1 or > 256)
            throw new ArgumentException($"--limit must be 1 to 256, not {limit}.");
        if (folder is null)
            return [.. named!.Select(path => Options.RequireFile(path, "--image", "Give PNG or JPEG pictures, or a folder of them as --input."))];
        ImageFolder pictures = ImageFolder.Open(folder);
        int count = Math.Min(limit, pictures.Count);
        return [.. Enumerable.Range(0, count).Select(i => pictures.Samples[(int)((long)i * pictures.Count / count)].Path)];
    }
}
