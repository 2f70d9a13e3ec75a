using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Evaluation;

/// <summary>Features in a file, <c>.npy</c> or <c>.safetensors</c> (tensor <c>features</c>), with the paths of the pictures beside it in a <c>.txt</c>, one a line.</summary>
public static class FeatureFile
{
    private const string Tensor = "features";

    /// <summary>Writes both files.</summary>
    /// <param name="path">Ends in .npy or .safetensors.</param>
    public static void Save(FeatureSet features, string path)
    {
        Shape shape = [features.Count, features.Width];
        if (IsNpy(path))
        {
            NpyArray.Create<float>(features.Values, features.Count, features.Width).Save(path);
        }
        else
        {
            SafetensorsWriter writer = new();
            writer.Add(Tensor, shape, features.Values);
            writer.Save(path);
        }

        AtomicFile.WriteLines(NamesOf(path), features.Paths);
    }

    /// <summary>Reads both files. Classes are not in them.</summary>
    /// <exception cref="FileNotFoundException">One of them is missing.</exception>
    /// <exception cref="InvalidDataException">They are no features, or there are not as many paths as rows.</exception>
    public static FeatureSet Load(string path)
    {
        string names = NamesOf(path);
        if (!File.Exists(names))
            throw new FileNotFoundException($"The features of '{path}' need the paths of their pictures, one a line, in '{names}', which is not there. dino embed writes both.", names);
        string[] paths = File.ReadAllLines(names);
        (float[] values, IReadOnlyList<long> shape) = Read(path);
        if (shape.Count != 2 || shape[1] < 1)
            throw new InvalidDataException($"{path} holds an array of shape [{string.Join(", ", shape)}], not the rows of features.");
        return shape[0] == paths.Length
            ? new FeatureSet(values, (int)shape[1], [.. Enumerable.Repeat(-1, paths.Length)], paths, [], [])
            : throw new InvalidDataException($"{path} holds {shape[0]} features, {names} {paths.Length} paths: they do not belong together.");
    }

    private static (float[] Values, IReadOnlyList<long> Shape) Read(string path)
    {
        if (IsNpy(path))
        {
            NpyArray array = NpyArray.Load(path);
            return (array.ToSingles(), [.. array.Shape.Select(length => (long)length)]);
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Entries.ContainsKey(Tensor))
            throw new InvalidDataException($"{path} holds no tensor '{Tensor}': it is no file of dino embed.");
        return (file.ReadSingles(Tensor), file.Entry(Tensor).Shape);
    }

    private static bool IsNpy(string path) => Path.GetExtension(path) == ".npy";

    private static string NamesOf(string path) => Path.ChangeExtension(path, ".txt");
}
