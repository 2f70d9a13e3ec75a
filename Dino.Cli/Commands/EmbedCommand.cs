using System.CommandLine;
using Dino.Cli.Display;
using Dino.Imaging;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
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
        FeatureOptions features = new();
        PictureOptions pictures = new();
        DeviceOptions devices = new(model.Precision);
        Option<string> input = Options.Required("--input", "A picture, or a folder of pictures.");
        Option<string> output = Options.Required("--output", "The .npy or .safetensors file to write; the names of the pictures go beside it as .txt, and of a folder a description as .json. Its folder is made if there is none.");
        Option<bool> restart = Options.Flag("--restart", "Compute all features of a folder, also those that an earlier call has.");
        Option<bool> json = Options.Json();
        Command command = new("embed", "Write the features of pictures to a file, one row a picture. Stopped or repeated, it goes on with the pictures of a folder that have no feature yet.") { input, output, restart, json };
        features.AddTo(command);
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
            Preprocessing seen = pictures.Resolve(parsed, loaded);
            FeatureExtractor extractor = features.Resolve(parsed, loaded);
            EmbeddingResult result;
            bool completed = true;
            if (picture is not null)
            {
                Image decoded = picture.GetAwaiter().GetResult();
                Options.MakeFolder(path);
                FeatureSet feature = FeatureSet.OfImage(extractor, decoded, source, seen);
                // That of a folder, whose features these replace, would describe others.
                EmbeddingManifest.Remove(path);
                FeatureFile.Save(feature, path);
                result = new EmbeddingResult(feature.Count, feature.Width, feature.Count, []);
            }
            else
            {
                ImageFolder folder = ImageFolder.Open(source);
                EmbeddingSettings settings = model.SettingsOf(parsed, loaded, extractor, seen);
                int batch = pictures.Batch(parsed);
                Options.MakeFolder(path);
                using FolderEmbedding run = FolderEmbedding.Open(extractor, folder, settings, path, parsed.GetValue(restart));
                (completed, result) = EmbeddingDisplay.Run(run, extractor.Width, batch, cancellation);
            }

            LeftOut.Say(result.Skipped, source);
            if (parsed.GetValue(json))
                JsonOutput.Print(new EmbedOutput(completed, result.Count, result.Width, result.Computed, result.Skipped.Count, path), CliJson.Default.EmbedOutput);
            else if (completed)
                Console.Out.WriteLine($"{path}: {result.Count} x {result.Width}");
            return 0;
        });
    }
}
