using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>
/// The whole state of a run in one safetensors file: both networks, the optimizer, the centre, the position in the schedules and the settings.
/// Random numbers are counter-based, so the position is their state. Written beside the old file and moved over it: a kill at any moment leaves one
/// of the two.
/// </summary>
public static class Checkpoint
{
    /// <summary>Name of the latest checkpoint in an output folder.</summary>
    public const string FileName = "checkpoint.safetensors";

    internal const string Format = "dino-checkpoint-1";

    /// <summary>Saves the state after the last step.</summary>
    public static void Save(DinoTrainer trainer, MultiCropOptions crops, string path)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = Format;
        writer.Metadata["step"] = trainer.StepIndex.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["iterations_per_epoch"] = trainer.Schedules.IterationsPerEpoch.ToString(CultureInfo.InvariantCulture);
        writer.Metadata["options"] = JsonSerializer.Serialize(trainer.Options, SslJson.Default.DinoOptions);
        writer.Metadata["crops"] = JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions);
        foreach ((string prefix, Tensor tensor, string name) in Tensors(trainer))
            writer.Add($"{prefix}.{name}", tensor);
        int[] steps = trainer.Optimizer.Steps.ToArray();
        writer.Add("optimizer.steps", [steps.Length], steps);
        writer.Save(path);
    }

    /// <summary>Restores the state of a run with the same settings.</summary>
    /// <exception cref="InvalidDataException">Not a checkpoint of ours, or one of other settings; the message names them.</exception>
    public static void Load(DinoTrainer trainer, MultiCropOptions crops, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue("format", out string? format) || format != Format)
            throw new InvalidDataException($"{path} is not a checkpoint of this program. To start from weights, use them as the initial weights of a new run.");
        RequireSame(path, "options", file.Metadata["options"], JsonSerializer.Serialize(trainer.Options, SslJson.Default.DinoOptions));
        RequireSame(path, "crops", file.Metadata["crops"], JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions));
        string iterations = trainer.Schedules.IterationsPerEpoch.ToString(CultureInfo.InvariantCulture);
        if (file.Metadata["iterations_per_epoch"] != iterations)
            throw new InvalidDataException($"{path} was written with {file.Metadata["iterations_per_epoch"]} steps per epoch; the data folder now gives {iterations}. Resume with the same pictures.");
        foreach ((string prefix, Tensor tensor, string name) in Tensors(trainer))
        {
            string key = $"{prefix}.{name}";
            if (!file.Entries.ContainsKey(key))
                throw new InvalidDataException($"{path} lacks '{key}'. It is damaged or of another version.");
            StateDict.Write(tensor, file.ReadSingles(key));
        }

        int[] steps = MemoryMarshal.Cast<byte, int>(file.ReadRaw("optimizer.steps")).ToArray();
        for (int i = 0; i < steps.Length; i++)
            trainer.Optimizer.SetSteps(i, steps[i]);
        trainer.StepIndex = long.Parse(file.Metadata["step"], CultureInfo.InvariantCulture);
    }

    private static IEnumerable<(string Prefix, Tensor Tensor, string Name)> Tensors(DinoTrainer trainer)
    {
        foreach (Parameter parameter in trainer.Student.Store.All)
            yield return ("student", parameter.Tensor, parameter.Name);
        foreach (Parameter parameter in trainer.Teacher.Store.All)
            yield return ("teacher", parameter.Tensor, parameter.Name);
        for (int buffer = 0; buffer < trainer.Optimizer.BufferNames.Count; buffer++)
        {
            foreach (Parameter parameter in trainer.Student.Store.Parameters)
                yield return ($"optimizer.{trainer.Optimizer.BufferNames[buffer]}", trainer.Optimizer.Buffer(buffer, parameter.Index), parameter.Name);
        }

        yield return ("loss", trainer.Centre.Value, "center");
    }

    /// <summary>Names every setting that differs.</summary>
    private static void RequireSame(string path, string what, string saved, string current)
    {
        if (saved == current)
            return;
        using JsonDocument before = JsonDocument.Parse(saved), now = JsonDocument.Parse(current);
        List<string> differences = [];
        Compare("", before.RootElement, now.RootElement, differences);
        throw new InvalidDataException($"{path} was written with other {what}: {string.Join("; ", differences)}. Resume with the same settings, or start a new run in another output folder.");
    }

    private static void Compare(string place, JsonElement before, JsonElement now, List<string> differences)
    {
        if (before.ValueKind == JsonValueKind.Object && now.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in now.EnumerateObject())
                Compare($"{place}{property.Name} ", before.TryGetProperty(property.Name, out JsonElement old) ? old : default, property.Value, differences);
        }
        else if (before.ToString() != now.ToString())
        {
            differences.Add($"{place.Trim()} was {before}, now {now}");
        }
    }
}
