using System.CommandLine;
using Dino.Cli.Display;
using Dino.Ssl.Data;
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
        Option<bool> json = Options.Json();
        Command command = new("index", "Make an index of a folder of pictures for dino search, or bring it up to date.") { input, output, json };
        pictures.AddTo(command);
        model.AddTo(command);
        devices.AddTo(command);
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".safetensors");
            ImageFolder folder = ImageFolder.OpenTree(parsed.GetValue(input)!);
            using Device device = devices.Open(parsed);
            using LoadedModel loaded = model.Load(parsed, device);
            (string? weights, string? key) = model.Given(parsed);
            IndexOrigin origin = IndexOrigin.Of(weights!, key, loaded, pictures.Resolve(parsed, loaded.Preprocessing));
            Options.MakeFolder(path);
            IndexUpdate update;
            using (StageDisplay progress = new())
                update = new FeatureIndexBuilder(loaded, origin) { Batch = pictures.Batch(parsed) }.Update(path, folder, progress, cancellation);
            foreach (SkippedPicture skipped in update.Skipped)
                Console.Error.WriteLine($"left out {skipped.Path}: {skipped.Reason}");
            if (parsed.GetValue(json))
                JsonOutput.Print(new IndexOutput(update.Count, update.Added, update.Changed, update.Removed, update.Kept, update.Skipped.Count, path), CliJson.Default.IndexOutput);
            else
                Console.Out.WriteLine($"{path}: {update.Count} pictures ({update.Added} added, {update.Changed} changed, {update.Removed} removed, {update.Kept} as they were)");
            return 0;
        });
    }
}
