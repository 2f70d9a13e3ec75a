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
    /// <param name="weights"><c>model.safetensors</c>, <c>pytorch_model.bin</c>, or either with <c>.index.json</c>, in two shards.</param>
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
        if (!weights.EndsWith(".index.json", StringComparison.Ordinal))
        {
            Save(tensors, path);
            return;
        }

        string whole = weights[..^".index.json".Length], ending = Path.GetExtension(whole);
        string[] shards = [.. Enumerable.Range(1, 2).Select(number => $"{Path.GetFileNameWithoutExtension(whole)}-0000{number}-of-00002{ending}")];
        for (int shard = 0; shard < 2; shard++)
            Save([.. tensors.Where((_, i) => i % 2 == shard)], Path.Combine(folder, shards[shard]));
        Dictionary<string, string> map = tensors.Index().ToDictionary(item => item.Item.Name, item => shards[item.Index % 2]);
        File.WriteAllText(path, $$"""{"metadata": {"total_size": 1}, "weight_map": {{JsonSerializer.Serialize(map)}}}""");
    }

    /// <summary>In one file: what torch.save writes for .bin, otherwise safetensors.</summary>
    public static void Save(List<PublishedNames.Stored> tensors, string path)
    {
        if (Path.GetExtension(path) == ".bin")
        {
            TorchFiles.Write(path, tensors.Select(tensor => ((object)tensor.Name, (object?)(tensor.Shape, tensor.Values))).ToArray());
            return;
        }

        SafetensorsWriter writer = new();
        writer.Metadata["format"] = "pt";
        foreach (PublishedNames.Stored tensor in tensors)
            writer.Add(tensor.Name, new Shape([.. tensor.Shape.Select(length => (int)length)]), tensor.Values);
        writer.Save(path);
    }

    public void Dispose() => _store.Dispose();
}
