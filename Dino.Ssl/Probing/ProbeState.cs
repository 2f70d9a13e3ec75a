using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Probing;

/// <summary>The whole state of a linear probe in one safetensors file: heads, momentum, position and settings. Random numbers are counter-based, so the position is their state.</summary>
internal static class ProbeState
{
    private const string Format = "dino-linear-state-2";
    private const string StepsName = "optimizer.steps";

    public static void Save(string path, LinearProbe probe, LinearProbeOptions options, ProbeSubject subject, ProbePosition position)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = Format;
        writer.Metadata["options"] = JsonSerializer.Serialize(options, ProbeJson.Default.LinearProbeOptions);
        writer.Metadata["subject"] = JsonSerializer.Serialize(subject, ProbeJson.Default.ProbeSubject);
        writer.Metadata["position"] = JsonSerializer.Serialize(position, ProbeJson.Default.ProbePosition);
        foreach ((string name, Tensor tensor) in Tensors(probe))
            writer.Add(name, tensor);
        int[] steps = probe.Optimizer.Steps.ToArray();
        writer.Add(StepsName, [steps.Length], steps);
        writer.Save(path);
    }

    /// <summary>Restores heads and momentum. Everything is checked before anything is changed.</summary>
    /// <exception cref="InvalidDataException">Not such a file, damaged, or of another run; the message names the difference.</exception>
    public static ProbePosition Load(string path, LinearProbe probe, LinearProbeOptions options, ProbeSubject subject, long steps)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format)
            throw new InvalidDataException($"{path} is not the state of a linear probe, or one of another version. Name another --output, or move this file away.");
        Checkpoint.RequireSame(path, "settings", Metadata("options"), JsonSerializer.Serialize(options, ProbeJson.Default.LinearProbeOptions));
        Checkpoint.RequireSame(path, "pictures or weights", Metadata("subject"), JsonSerializer.Serialize(subject, ProbeJson.Default.ProbeSubject));
        ProbePosition position = Read(Metadata("position"), ProbeJson.Default.ProbePosition);
        if (position.Step < 0 || position.Step > steps || position.Sums?.Length != options.Heads.Count || position.Epochs is null || position.Epochs.Any(epoch => epoch.Losses?.Count != options.Heads.Count))
            throw Damaged("its position is not one of this run");
        foreach ((string name, Tensor tensor) in Tensors(probe))
            Require(name, [.. tensor.Shape]);
        Require(StepsName, [probe.Optimizer.Steps.Length]);

        foreach ((string name, Tensor tensor) in Tensors(probe))
            file.ReadTensor(name, tensor);
        foreach ((int i, int count) in MemoryMarshal.Cast<byte, int>(file.ReadRaw(StepsName)).ToArray().Index())
            probe.Optimizer.SetSteps(i, count);
        return position;

        string Metadata(string name) => file.Metadata.TryGetValue(name, out string? value) ? value : throw Damaged($"it lacks '{name}'");

        void Require(string name, int[] shape)
        {
            if (!file.Entries.TryGetValue(name, out TensorEntry? entry) || !entry.Shape.SequenceEqual(shape.Select(length => (long)length)))
                throw Damaged($"'{name}' should be [{string.Join(", ", shape)}], it is {entry?.ShapeText ?? "not there"}");
        }

        T Read<T>(string json, JsonTypeInfo<T> type)
            where T : class
        {
            try
            {
                return JsonSerializer.Deserialize(json, type) ?? throw Damaged("it has no position");
            }
            catch (JsonException error)
            {
                throw Damaged(error.Message);
            }
        }

        InvalidDataException Damaged(string what) => new($"{path} is damaged or of another version: {what}.");
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(LinearProbe probe)
    {
        foreach (Parameter parameter in probe.Store.Parameters)
        {
            yield return (parameter.Name, parameter.Tensor);
            yield return ($"optimizer.{probe.Optimizer.BufferNames[0]}.{parameter.Name}", probe.Optimizer.Buffer(0, parameter.Index));
        }
    }
}
