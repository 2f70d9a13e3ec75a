using Dino.Tensors.Formats;

namespace Dino.Nn;

/// <summary>Reads the architecture of a network off the names and shapes of its weights.</summary>
public static class ArchitectureProbe
{
    /// <summary>The architecture, or null if these are the weights of neither a vision transformer of DINO, DINOv2 or DINOv3 nor a ResNet.</summary>
    /// <param name="entries">Tensors by name, with backbone prefixes removed.</param>
    public static BackboneOptions? Probe(IReadOnlyDictionary<string, TensorEntry> entries)
    {
        WeightShapes shapes = new(entries);
        return (BackboneOptions?)VisionTransformerProbe.Probe(shapes) ?? ResNetProbe.Probe(shapes);
    }
}

/// <summary>Weights by name, for the questions of a probe.</summary>
internal readonly struct WeightShapes(IReadOnlyDictionary<string, TensorEntry> entries)
{
    public bool Has(string name) => entries.ContainsKey(name);

    /// <summary>Length of an axis; 0 if there is no such weight or axis.</summary>
    public int Length(string name, int axis) => entries.TryGetValue(name, out TensorEntry? entry) && axis < entry.Shape.Count ? checked((int)entry.Shape[axis]) : 0;

    /// <summary>How many of <c>prefix0suffix</c>, <c>prefix1suffix</c>, ... there are.</summary>
    public int Count(string prefix, string suffix, int first = 0)
    {
        int count = 0;
        while (Has(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{prefix}{first + count}{suffix}")))
            count++;
        return count;
    }
}
