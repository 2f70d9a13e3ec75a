using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Dino.Nn;
using Dino.Ssl.Models;
using Dino.Ssl.Training;
using Dino.Tensors.Formats;

namespace Dino.Cli.Commands;

/// <summary><c>dino info</c>: what a file of weights or a checkpoint holds.</summary>
internal static class InfoCommand
{
    private const int LineWidth = 160;

    public static Command Create()
    {
        Argument<string> path = new("file") { Description = "A safetensors file, the index of its shards, or a file of torch.save (.pth, .pt, .bin); or the folder of a model or of dino train." };
        Option<string?> key = Options.OptionalText("--key", "Part of a checkpoint to look at, such as student (teacher where there is one).");
        Option<bool> json = Options.Json();
        Command command = new("info", "Show what a file of weights or a checkpoint holds. Nothing in it is executed, and no tensor is read.") { path, key, json };
        return command.Does((parsed, _) =>
        {
            string weights = ModelFolder.WeightsOf(parsed.GetValue(path)!);
            using TensorFile file = TensorFile.Open(Options.RequireFile(weights, "dino info", "Give a .safetensors or .pth file, the index of shards, the folder of a model, or the --output folder of dino train."));
            ModelDescription model = ModelFile.Describe(file, parsed.GetValue(key));
            JsonObject entries = file is TorchFile torch ? CheckpointText.WithoutTensors(torch.Root) as JsonObject ?? [] : [];
            if (parsed.GetValue(json))
                JsonOutput.Print(Output(file, model, entries), CheckpointJson.Default.InfoOutput);
            else
                Print(file, model, entries);
            return 0;
        });
    }

    private static InfoOutput Output(TensorFile file, ModelDescription model, JsonObject entries) => new(
        file.FilePath, file.Format, model.Part,
        model.Architecture is { } found ? Architecture(found) : null,
        model.Problem, model.Parameters,
        model.Naming switch { WeightNaming.HuggingFace => "transformers", WeightNaming.Timm => "timm", _ => "official" },
        model.Preprocessing is { } seen ? new PicturesOutput(seen.Size, seen.ResizeTo, seen.Square, seen.Filter.ToString().ToLowerInvariant(), seen.FloatPixels, Values(seen.Normalization.Mean), Values(seen.Normalization.StandardDeviation)) : null,
        [.. file.Entries.Values.Select(entry => new TensorOutput(entry.Name, entry.Type, [.. entry.Shape]))],
        [.. model.LeftOut], entries, new SortedDictionary<string, string>(file.Metadata.ToDictionary(pair => pair.Key, pair => CheckpointText.WithoutItems(pair.Value)), StringComparer.Ordinal));

    private static ArchitectureOutput Architecture(BackboneOptions found)
    {
        NetworkOutput network = NetworkOutput.Of(found);
        VisionTransformerOptions? transformer = found as VisionTransformerOptions;
        return new(
            network.Kind, network.Arch, found.PatchSize, found.Width, network.Depth, network.Heads, transformer?.MlpRatio, found.ImageSize, found.Channels, transformer?.QkvBias,
            transformer is null ? null : TransformerOutput.Of(transformer), found is ResNetOptions resNet ? ResNetOutput.Of(resNet) : null);
    }

    /// <summary>What tells networks of a kind apart beside their size.</summary>
    private static string Parts(BackboneOptions found) => found switch
    {
        VisionTransformerOptions transformer => TransformerOutput.Of(transformer).ToString(),
        ResNetOptions resNet => ResNetOutput.Of(resNet).ToString(),
        _ => "",
    };

    private static float[] Values((float Red, float Green, float Blue) channels) => [channels.Red, channels.Green, channels.Blue];

    private static void Print(TensorFile file, ModelDescription model, JsonObject entries)
    {
        Console.Out.WriteLine($"{file.FilePath}: {file.Format}, {Wording.Count(file.Entries.Count, "tensor")}");
        if (model.Part.Length > 0)
            Console.Out.WriteLine($"part: {model.Part}");
        string parameters = string.Create(CultureInfo.InvariantCulture, $"{model.Parameters:n0} parameters");
        Console.Out.WriteLine(model.Architecture is { } found
            ? string.Create(CultureInfo.InvariantCulture, $"{NetworkOutput.Of(found)}, pictures of {found.ImageSize}; {parameters}")
            : $"not recognised; {parameters}. {model.Problem}");
        if (model.Architecture is { } network)
            Console.Out.WriteLine($"network: {Parts(network)}");
        if (model.Naming != WeightNaming.Official)
            Console.Out.WriteLine($"names: those of {(model.Naming == WeightNaming.HuggingFace ? "transformers" : "timm")}");
        if (model.Preprocessing is { } seen)
            Console.Out.WriteLine($"pictures: {seen}");
        if (model.LeftOut.Count > 0)
            Console.Out.WriteLine($"left out: {CheckpointText.Summarize(model.LeftOut, model.Part)}");
        foreach ((string name, JsonNode? value) in entries)
            Console.Out.WriteLine(CheckpointText.Shorten($"{name}: {value?.ToJsonString() ?? "null"}", LineWidth));
        foreach ((string name, string value) in file.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Console.Out.WriteLine(CheckpointText.Shorten($"{name}: {CheckpointText.WithoutItems(value)}", LineWidth));
        foreach (TensorEntry entry in file.Entries.Values)
            Console.Out.WriteLine(CheckpointText.Shorten($"  {entry.Name} {entry.Type} {entry.ShapeText}", LineWidth));
    }
}
