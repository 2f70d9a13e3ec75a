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

    private const string StepsName = "optimizer.steps";

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
        writer.Add(StepsName, [steps.Length], steps);
        writer.Save(path);
    }

    /// <summary>Restores the state of a run with the same settings. Everything is checked before anything is changed.</summary>
    /// <exception cref="InvalidDataException">Not a checkpoint of ours, damaged, or one of other settings; the message names them.</exception>
    public static void Load(DinoTrainer trainer, MultiCropOptions crops, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue("format", out string? format) || format != Format)
            throw new InvalidDataException($"{path} is not a checkpoint of this program. Resume needs the {FileName} of the run.");
        RequireSame(path, "options", Metadata("options"), JsonSerializer.Serialize(trainer.Options, SslJson.Default.DinoOptions));
        RequireSame(path, "crops", Metadata("crops"), JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions));
        string iterations = trainer.Schedules.IterationsPerEpoch.ToString(CultureInfo.InvariantCulture);
        if (Metadata("iterations_per_epoch") is { } saved && saved != iterations)
            throw new InvalidDataException($"{path} was written with {saved} steps per epoch; the data folder now gives {iterations}. Resume with the same pictures.");
        if (!long.TryParse(Metadata("step"), NumberStyles.None, CultureInfo.InvariantCulture, out long step) || step > trainer.Schedules.Steps)
            throw Damaged($"its step '{Metadata("step")}' is not one of the {trainer.Schedules.Steps} of the run");
        foreach ((string prefix, Tensor tensor, string name) in Tensors(trainer))
            RequireTensor($"{prefix}.{name}", "F32", [.. tensor.Shape]);
        RequireTensor(StepsName, "I32", [trainer.Optimizer.Steps.Length]);

        foreach ((string prefix, Tensor tensor, string name) in Tensors(trainer))
            StateDict.Write(tensor, file.ReadSingles($"{prefix}.{name}"));
        foreach ((int i, int steps) in MemoryMarshal.Cast<byte, int>(file.ReadRaw(StepsName)).ToArray().Index())
            trainer.Optimizer.SetSteps(i, steps);
        trainer.StepIndex = step;

        string Metadata(string name) => file.Metadata.TryGetValue(name, out string? value) ? value : throw Damaged($"it lacks '{name}'");

        void RequireTensor(string name, string type, int[] shape)
        {
            if (!file.Entries.TryGetValue(name, out TensorEntry? entry))
                throw Damaged($"it lacks '{name}'");
            if (entry.Type != type || !entry.Shape.SequenceEqual(shape.Select(length => (long)length)))
                throw Damaged($"'{name}' is {entry.Type} [{string.Join(", ", entry.Shape)}], not {type} [{string.Join(", ", shape)}]");
        }

        InvalidDataException Damaged(string what) => new($"{path} is damaged or of another version: {what}.");
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

    /// <summary>Names every setting that differs from a saved one.</summary>
    /// <exception cref="InvalidDataException">Some do.</exception>
    internal static void RequireSame(string path, string what, string saved, string current)
    {
        if (saved == current)
            return;
        List<string> differences = [];
        try
        {
            using JsonDocument before = JsonDocument.Parse(saved), now = JsonDocument.Parse(current);
            Compare("", before.RootElement, now.RootElement, differences);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is damaged: its {what} are not JSON ({error.Message}).", error);
        }

        // The same settings in another order or spelling are no difference.
        if (differences.Count == 0)
            return;
        throw new InvalidDataException($"{path} was written with other {what}: {string.Join("; ", differences)}. Resume with the same settings, or start a new run in another output folder.");
    }

    private static void Compare(string place, JsonElement before, JsonElement now, List<string> differences)
    {
        if (before.ValueKind == JsonValueKind.Object && now.ValueKind == JsonValueKind.Object)
        {
            foreach (string name in now.EnumerateObject().Concat(before.EnumerateObject()).Select(property => property.Name).Distinct(StringComparer.Ordinal))
                Compare($"{place}{name} ", Member(before, name), Member(now, name), differences);
        }
        else if (Text(before) != Text(now))
        {
            differences.Add($"{place.Trim()} was {Text(before)}, now {Text(now)}");
        }

        static JsonElement Member(JsonElement parent, string name) => parent.TryGetProperty(name, out JsonElement member) ? member : default;

        // An option that one of two versions does not know.
        static string Text(JsonElement element) => element.ValueKind == JsonValueKind.Undefined ? "absent" : element.ToString();
    }
}
