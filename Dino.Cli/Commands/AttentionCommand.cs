using System.CommandLine;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino attention</c>: what the network looks at.</summary>
internal static class AttentionCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        DeviceOptions devices = new(model.Precision);
        Option<string> image = Options.Required("--image", "A PNG or JPEG picture.");
        Option<string> output = Options.Required("--output", "The PNG file to write; its folder is made if there is none.");
        Option<int?> side = Options.Optional<int>("--image-size", "Short side of the picture as the network sees it (480, or twice the trained size if that is less).");
        Option<double> threshold = Options.Of("--threshold", "Share of the attention that the masks keep.", 0.6);
        Option<bool> json = Options.Json();
        Command command = new("attention", "Draw the attention of the last block's CLS token over a picture: each head, their mean, and the masks.") { image, output, side, threshold, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, _) =>
        {
            double share = parsed.GetValue(threshold);
            if (share is not (> 0 and <= 1))
                throw new ArgumentException($"--threshold must lie in (0, 1], not {share}.");
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".png");
            string source = Options.RequireFile(parsed.GetValue(image)!, "--image", "Give one PNG or JPEG picture.");
            using Device device = devices.Open(parsed);
            Image picture = ImageFile.Decode(source);
            using LoadedModel loaded = model.Load(parsed, device, once: true);
            int size = Options.RequireSide(parsed.GetValue(side) ?? Math.Min(480, 2 * loaded.Backbone.Options.ImageSize), "--image-size");
            int patch = loaded.Backbone.Options.PatchSize;
            if (size < patch)
                throw new ArgumentException($"--image-size {size} is smaller than one patch of {patch} pixels.");
            Options.MakeFolder(path);
            AttentionMap map = AttentionMap.Of(loaded, picture, size, out Image seen);
            PngEncoder.Save(map.Sheet(seen, share), path);
            if (parsed.GetValue(json))
                JsonOutput.Print(new AttentionOutput(map.Heads, map.Rows, map.Columns, path), CliJson.Default.AttentionOutput);
            else
                Console.Out.WriteLine($"{path}: {map.Heads} heads over {map.Rows} x {map.Columns} patches");
            return 0;
        });
    }
}
