using Dino.Tensors.Formats;

namespace Dino.Ssl.Models;

/// <summary>Folders that hold a model: those of Hugging Face and timm, with configuration files beside the weights, and those of a training run.</summary>
public static class ModelFolder
{
    private const string ConfigName = "config.json";
    private const string PreprocessorName = "preprocessor_config.json";

    /// <summary>The weights of a training run, which describe themselves, before those of a published model in their order of preference.</summary>
    private static readonly string[] s_weights = ["teacher.safetensors", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

    /// <summary>Opens a file of weights, or the one of a folder.</summary>
    /// <param name="path">A file that <see cref="TensorFile.Open"/> takes, or a folder with one under a name that such folders have.</param>
    /// <exception cref="FileNotFoundException">There is neither a file nor a folder, or the folder holds no such file; the message lists the names.</exception>
    /// <exception cref="InvalidDataException">As <see cref="TensorFile.Open"/>.</exception>
    public static TensorFile Open(string path) => TensorFile.Open(WeightsOf(path));

    /// <summary>The file of weights that a path means: itself, or the one in that folder.</summary>
    /// <inheritdoc cref="Open"/>
    public static string WeightsOf(string path)
    {
        if (!Directory.Exists(path))
            return path;
        return Array.Find(Array.ConvertAll(s_weights, name => Path.Combine(path, name)), File.Exists) ?? throw new FileNotFoundException(
            $"The folder '{path}' holds no weights under a name that is looked for: {string.Join(", ", s_weights)}. Name the file itself, or the folder of a model.", path);
    }

    /// <summary>The configuration beside weights of a published model; null if there is none.</summary>
    /// <param name="weights">The file. One of another name has nothing to do with what lies beside it.</param>
    internal static ConfigFile? ConfigOf(string weights) => Beside(weights, ConfigName);

    /// <summary>What is done to pictures, beside weights of a published model; null if it is not said.</summary>
    /// <inheritdoc cref="ConfigOf"/>
    internal static ConfigFile? PreprocessorOf(string weights) => Beside(weights, PreprocessorName);

    private static ConfigFile? Beside(string weights, string name)
    {
        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(weights))!, name);
        return s_weights.AsSpan(1).Contains(Path.GetFileName(weights)) && File.Exists(path) ? ConfigFile.Open(path) : null;
    }
}
