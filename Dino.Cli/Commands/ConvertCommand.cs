using System.CommandLine;
using Dino.Cli.Display;
using Dino.Nn;
using Dino.Ssl.Models;
using Dino.Ssl.Training;
using Dino.Tensors.Formats;

namespace Dino.Cli.Commands;

/// <summary>
/// <c>dino convert</c>: tensors of a checkpoint to a safetensors file, values and types unchanged; a model of transformers or timm becomes a backbone under official
/// names that describes itself.
/// </summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        Option<string> input = Options.Required("--input", "A file of torch.save (.pth, .pt, .bin), a safetensors file or the index of its shards; or the folder of a model.");
        Option<string> output = Options.Required("--output", "The .safetensors file to write; its folder is made if there is none.");
        Option<string?> key = Options.OptionalText("--key", "Part of a checkpoint to take, such as student or optimizer (teacher where there is one).");
        Option<bool> all = Options.Flag("--all", "Write every tensor of the file under its whole path.");
        Option<bool> json = Options.Json();
        Command command = new("convert", "Write the tensors of a PyTorch checkpoint, or a model of transformers or timm under official names, to a safetensors file.") { input, output, key, all, json };
        return command.Does((parsed, cancellation) =>
        {
            string path = Options.RequireOutput(parsed.GetValue(output)!, ".safetensors");
            string source = ModelFolder.WeightsOf(parsed.GetValue(input)!);
            Options.RequireFile(source, "--input", "Give a file of torch.save, a safetensors file or the index of its shards, or the folder of a model.");
            if (Path.GetFullPath(source) == Path.GetFullPath(path))
                throw new ArgumentException("--output names the file of --input. Choose another one.");
            if (parsed.GetValue(all) && parsed.GetValue(key) is not null)
                throw new ArgumentException("--all takes everything, --key one part. Choose one of them.");
            using TensorFile file = TensorFile.Open(source);
            WeightPart? part = parsed.GetValue(all) ? null : WeightPart.Find(file, parsed.GetValue(key));
            ConvertedModel? model = parsed.GetValue(all) ? null : ModelFile.Officially(file, parsed.GetValue(key));
            Options.MakeFolder(path);
            ConvertProgress progress = new(cancellation);
            (int written, string[] leftOut) = model is null ? Write(file, part, path, progress) : Write(model, path, progress);
            if (parsed.GetValue(json))
                JsonOutput.Print(new ConvertOutput(written, part?.Key ?? "", new FileInfo(path).Length, leftOut, path), CheckpointJson.Default.ConvertOutput);
            else
                Console.Out.WriteLine($"{path}: {Wording.Count(written, "tensor")}{(part is { Key.Length: > 0 } ? $" of '{part.Key}'" : "")}{(leftOut.Length > 0 ? $"; left out: {CheckpointText.Summarize(leftOut, "")}" : "")}");
            return 0;
        });
    }

    /// <summary>Writes what belongs to the part, one tensor in memory at a time, and returns the names of what does not.</summary>
    private static (int Written, string[] LeftOut) Write(TensorFile file, WeightPart? part, string path, ConvertProgress progress)
    {
        SafetensorsWriter writer = new();
        HashSet<string> names = new(StringComparer.Ordinal);
        List<string> leftOut = [];
        foreach (TensorEntry entry in file.Entries.Values)
        {
            if ((part is null ? entry.Name : part.NameOf(entry.Name)) is not { } name)
            {
                leftOut.Add(entry.Name);
                continue;
            }

            if (name == "__metadata__" || !names.Add(name))
                throw new InvalidDataException($"{file.FilePath}: tensor '{entry.Name}' would be written as '{name}', which is {(name == "__metadata__" ? "reserved" : "taken")}. Add --all to keep whole paths.");
            progress.Add(writer, name, file, entry);
        }

        if (part is null or { Key: "" })
        {
            foreach ((string name, string value) in file.Metadata)
                writer.Metadata[name] = value;
        }
        else
        {
            writer.Metadata["part"] = part.Key;
        }

        // What readers from elsewhere look for: tensors laid out as PyTorch's.
        writer.Metadata.TryAdd("format", "pt");
        writer.Save(path);
        return (names.Count, [.. leftOut]);
    }

    /// <summary>Writes a backbone under official names, with what a weight file of ours says of itself.</summary>
    private static (int Written, string[] LeftOut) Write(ConvertedModel model, string path, ConvertProgress progress)
    {
        SafetensorsWriter writer = new();
        foreach (TensorEntry entry in model.Tensors.Entries.Values)
            progress.Add(writer, entry.Name, model.Tensors, entry);
        foreach ((string name, string value) in model.Metadata)
            writer.Metadata[name] = value;
        writer.Save(path);
        return (model.Tensors.Entries.Count, [.. model.LeftOut]);
    }
}
