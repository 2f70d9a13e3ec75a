using System.CommandLine;
using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino embed</c>: features of pictures to a file.</summary>
internal static class EmbedCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        PictureOptions pictures = new();
        DeviceOptions devices = new(model.Precision);
        Option<string> input = Options.Required("--input", "A picture, or a folder of pictures.");
        Option<string> output = Options.Required("--output", "The .npy or .safetensors file to write; the names of the pictures go beside it as .txt. Its folder is made if there is none.");
        Option<bool> raw = Options.Flag("--raw", "Do not L2-normalise.");
        Option<bool> json = Options.Json();
        Command command = new("embed", "Write the CLS features of pictures to a file, one row a picture.") { input, output, raw, json };
        pictures.AddTo(command);
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".npy", ".safetensors"), source = parsed.GetValue(input)!;
            // One picture is decoded while the network is built.
            Task<Image>? picture = File.Exists(source) ? Task.Run(() => ImageFile.Decode(source), cancellation) : null;
            using Device device = devices.Open(parsed);
            using LoadedModel loaded = model.Load(parsed, device, once: picture is not null);
            if (!Directory.Exists(source))
                Options.RequireFile(source, "--input", "Give a PNG or JPEG picture, or a folder of them.");
            Preprocessing seen = pictures.Resolve(parsed, loaded.Preprocessing);
            FeatureSet features;
            if (picture is not null)
            {
                Image decoded = picture.GetAwaiter().GetResult();
                Options.MakeFolder(path);
                features = FeatureSet.OfImage(loaded, decoded, source, seen, !parsed.GetValue(raw));
            }
            else
            {
                ImageFolder folder = ImageFolder.Open(source);
                Options.MakeFolder(path);
                features = FeatureSet.OfModel(loaded, folder, seen, !parsed.GetValue(raw), pictures.Batch(parsed), null, cancellation);
            }

            FeatureFile.Save(features, path);
            foreach (SkippedPicture skipped in features.Skipped)
                Console.Error.WriteLine($"left out {skipped.Path}: {skipped.Reason}");
            if (parsed.GetValue(json))
                JsonOutput.Print(new EmbedOutput(features.Count, features.Width, features.Skipped.Count, path), CliJson.Default.EmbedOutput);
            else
                Console.Out.WriteLine($"{path}: {features.Count} x {features.Width}");
            return 0;
        });
    }
}
