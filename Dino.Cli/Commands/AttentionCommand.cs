using System.CommandLine;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Nn;
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
        Option<int?> block = Options.Optional<int>("--block", "Which block to draw, from 0 (the last one).");
        Option<double> threshold = Options.Of("--threshold", "Share of the attention that the masks keep.", 0.6);
        Option<bool> json = Options.Json();
        Command command = new("attention", "Draw the attention of a block's CLS token over a picture: each head, their mean, and the masks.") { image, output, side, block, threshold, json };
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, _) =>
        {
            double share = parsed.GetValue(threshold);
            if (share is not (> 0 and <= 1))
                throw new ArgumentException($"--threshold must lie in (0, 1], not {share}.");
            if (parsed.GetValue(block) is < 0)
                throw new ArgumentException($"--block must be at least 0, not {parsed.GetValue(block)}.");
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".png");
            string source = Options.RequireFile(parsed.GetValue(image)!, "--image", "Give one PNG or JPEG picture.");
            using Device device = devices.Open(parsed);
            Image picture = ImageFile.Decode(source);
            using LoadedModel loaded = model.Load(parsed, device, once: true);
            int size = Options.RequirePatches(parsed.GetValue(side), loaded);
            int? chosen = parsed.GetValue(block);
            if (chosen is { } index && loaded.Backbone is VisionTransformer { Options.Depth: var depth } && index >= depth)
                throw new ArgumentException($"--block must be 0 to {depth - 1} with this network, not {index}.");
            Options.MakeFolder(path);
            AttentionMap map = AttentionMap.Of(loaded, picture, size, out Image seen, chosen);
            PngEncoder.Save(map.Sheet(seen, share), path);
            if (parsed.GetValue(json))
                JsonOutput.Print(new AttentionOutput(map.Heads, map.Rows, map.Columns, path), CliJson.Default.AttentionOutput);
            else
                Console.Out.WriteLine($"{path}: {Wording.Count(map.Heads, "head")} over {map.Rows} x {map.Columns} patches");
            return 0;
        });
    }
}
