using System.Text.Json;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tensors.Formats;
using Dino.Tests.Nn;
using Dino.Tests.Tensors.Formats;

namespace Dino.Tests.Ssl.Models;

/// <summary>A small network with random weights, and folders and files that hold it as others publish theirs.</summary>
internal sealed class PublishedModel : IDisposable
{
    private readonly ParameterStore _store = new();

    public PublishedModel(Device device, BackboneOptions options)
    {
        Network = options.Build(_store.Root);
        _store.Allocate(device, withGradients: false);
        foreach (Parameter parameter in _store.All.Where(parameter => parameter.Name != "rope_embed.periods" && !parameter.Name.EndsWith("bias_mask", StringComparison.Ordinal)))
        {
            // Large enough that every one of them matters, and variances positive.
            bool isAboutOne = parameter.Name.EndsWith("running_var", StringComparison.Ordinal) || (parameter.Shape.Rank == 1 && parameter.Name.EndsWith("weight", StringComparison.Ordinal));
            StateDict.Write(parameter.Tensor, HashedWeights.Values(parameter.Name, parameter.Shape.Count, 0.3, isAboutOne ? 1 : 0, salt: 7));
        }
    }

    public Backbone Network { get; }

    public ParameterStore Store => _store;

    /// <summary>Features of two pictures that are not square.</summary>
    public static float[] FeaturesOf(Backbone network)
    {
        (int height, int width) = network is ResNet ? (64, 32) : (2 * network.Options.PatchSize, 3 * network.Options.PatchSize);
        using Scope scope = network.Store.Device.OpenScope(GradMode.Off);
        float[] pixels = HashedWeights.Values("pixels", 2L * network.Options.Channels * height * width, 1, 0, salt: 1);
        return network.Forward(scope.Upload(pixels, [2, network.Options.Channels, height, width])).ToArray();
    }

    /// <summary>Official names in one file.</summary>
    public void SaveOfficial(string path) => Save([.. _store.All.Select(parameter => new PublishedNames.Stored(parameter.Name, [.. parameter.Shape.Select(length => (long)length)], parameter.Tensor.ToArray()))], path);

    /// <summary>A folder in one of the ways that weights are kept.</summary>
    /// <param name="folder">Made if it is not there.</param>
    /// <param name="tensors">Under published names.</param>
    /// <param name="weights"><c>model.safetensors</c>, <c>model.safetensors.index.json</c> or <c>pytorch_model.bin</c>.</param>
    /// <param name="config">config.json; null for none.</param>
    /// <param name="preprocessor">preprocessor_config.json; null for none.</param>
    public static void WriteFolder(string folder, List<PublishedNames.Stored> tensors, string weights, string? config, string? preprocessor = null)
    {
        Directory.CreateDirectory(folder);
        if (config is not null)
            File.WriteAllText(Path.Combine(folder, "config.json"), config);
        if (preprocessor is not null)
            File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), preprocessor);
        string path = Path.Combine(folder, weights);
        if (weights == "pytorch_model.bin")
        {
            TorchFiles.Write(path, tensors.Select(tensor => ((object)tensor.Name, (object?)(tensor.Shape, tensor.Values))).ToArray());
        }
        else if (weights == "model.safetensors")
        {
            Save(tensors, path);
        }
        else
        {
            Save([.. tensors.Where((_, i) => i % 2 == 0)], Path.Combine(folder, "model-00001-of-00002.safetensors"));
            Save([.. tensors.Where((_, i) => i % 2 == 1)], Path.Combine(folder, "model-00002-of-00002.safetensors"));
            Dictionary<string, string> map = tensors.Select((tensor, i) => (tensor.Name, File: $"model-0000{(i % 2) + 1}-of-00002.safetensors")).ToDictionary(pair => pair.Name, pair => pair.File);
            File.WriteAllText(path, $$"""{"metadata": {"total_size": 1}, "weight_map": {{JsonSerializer.Serialize(map)}}}""");
        }
    }

    public static void Save(List<PublishedNames.Stored> tensors, string path)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = "pt";
        foreach (PublishedNames.Stored tensor in tensors)
            writer.Add(tensor.Name, new Shape([.. tensor.Shape.Select(length => (int)length)]), tensor.Values);
        writer.Save(path);
    }

    public void Dispose() => _store.Dispose();
}
