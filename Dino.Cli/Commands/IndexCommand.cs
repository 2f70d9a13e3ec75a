using System.CommandLine;
using Dino.Cli.Display;
using Dino.Ssl.Data;
using Dino.Ssl.Embedding;
using Dino.Ssl.Retrieval;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino index</c>: features of a folder in a file to search among.</summary>
internal static class IndexCommand
{
    public static Command Create()
    {
        ModelOptions model = new(required: true);
        PictureOptions pictures = new();
        DeviceOptions devices = new(model.Precision);
        Option<string> input = Options.Required("--input", "A folder of pictures, at any depth.");
        Option<string> output = Options.Required("--output", "The .safetensors file to write. If it is an index already, pictures that are new or changed are added to it, and those that are gone leave it.");
        Option<bool> restart = Options.Flag("--restart", "Compute all features, also those that the index or a call that was stopped has.");
        Option<bool> json = Options.Json();
        Command command = new("index", "Make an index of a folder of pictures for dino search, or bring it up to date. Stopped, the same call goes on from there.") { input, output, restart, json };
        pictures.AddTo(command);
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".safetensors");
            ImageFolder folder = ImageFolder.OpenTree(parsed.GetValue(input)!);
            using Device device = devices.Open(parsed);
            using LoadedModel loaded = model.Load(parsed, device);
            FeatureExtractor extractor = new(loaded);
            EmbeddingSettings settings = model.SettingsOf(parsed, loaded, extractor, pictures.Resolve(parsed, loaded));
            int batch = pictures.Batch(parsed);
            Options.MakeFolder(path);
            using FolderEmbedding run = FeatureIndex.Build(extractor, folder, settings, path, parsed.GetValue(restart));
            (bool completed, EmbeddingResult result) = EmbeddingDisplay.Run(run, extractor.Width, batch, cancellation);
            LeftOut.Say(result.Skipped, parsed.GetValue(input));
            if (parsed.GetValue(json))
                JsonOutput.Print(new IndexOutput(completed, result.Count, result.Added, result.Changed, result.Removed, result.Kept, result.Computed, result.Skipped.Count, path), CliJson.Default.IndexOutput);
            else if (completed)
                Console.Out.WriteLine($"{path}: {Wording.Count(result.Count, "picture")} ({result.Added} added, {result.Changed} changed, {result.Removed} removed, {result.Kept} as they were)");
            return 0;
        });
    }
}
