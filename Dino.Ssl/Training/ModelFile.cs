using System.Text.Json;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Ssl.Training;

/// <summary>
/// Weight files that describe themselves: architecture, sizes and pixel normalisation are in the metadata, so that a path is all a user needs. Keys
/// are the official ones, <c>backbone.*</c> and <c>head.*</c>.
/// </summary>
public static class ModelFile
{
    private const string Format = "dino-weights-1";

    /// <summary>Saves a network.</summary>
    /// <param name="path">Where to; an older file is replaced in one move.</param>
    /// <param name="network">Backbone and head.</param>
    /// <param name="crops">What it was trained on: size and normalisation of its input.</param>
    /// <param name="role">student or teacher.</param>
    public static void Save(string path, DinoNetwork network, MultiCropOptions crops, string role)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["format"] = Format;
        writer.Metadata["role"] = role;
        writer.Metadata["backbone"] = JsonSerializer.Serialize(network.Backbone.Options, SslJson.Default.VisionTransformerOptions);
        writer.Metadata["crops"] = JsonSerializer.Serialize(crops, SslJson.Default.MultiCropOptions);
        foreach (Parameter parameter in network.Store.All)
            writer.Add(parameter.Name, parameter.Shape, parameter.Tensor.ToArray());
        writer.Save(path);
    }

    /// <summary>Loads the backbone of a file.</summary>
    /// <param name="path">A file of ours, or any safetensors file of a DINO vision transformer.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="architecture">Needed for files that do not describe themselves; overrides what others say.</param>
    /// <exception cref="InvalidDataException">The file does not describe itself and no architecture was given.</exception>
    /// <exception cref="StateDictException">The weights do not fit the architecture; names the keys.</exception>
    public static LoadedModel Load(string path, Device device, VisionTransformerOptions? architecture = null)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        MultiCropOptions? crops = null;
        if (file.Metadata.TryGetValue("format", out string? format) && format == Format)
        {
            architecture ??= JsonSerializer.Deserialize(file.Metadata["backbone"], SslJson.Default.VisionTransformerOptions);
            crops = JsonSerializer.Deserialize(file.Metadata["crops"], SslJson.Default.MultiCropOptions);
        }

        if (architecture is null)
            throw new InvalidDataException($"{path} does not say what network it holds. Give --arch (vit_tiny, vit_small, vit_base) and --patch-size, and --image-size if it was not made for 224 pixels.");
        ParameterStore store = new();
        try
        {
            VisionTransformer backbone = new(store.Root, architecture with { DropPath = 0 });
            store.Allocate(device, withGradients: false);
            StateDict.Load(store, file, BackboneName);
            return new LoadedModel(backbone, crops?.Normalization ?? PixelNormalization.ImageNet);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>A backbone with first weights, for comparison with a trained one.</summary>
    public static LoadedModel Untrained(VisionTransformerOptions architecture, Device device, ulong seed = 0)
    {
        ParameterStore store = new();
        VisionTransformer backbone = new(store.Root, architecture with { DropPath = 0 });
        store.Allocate(device, seed, withGradients: false);
        return new LoadedModel(backbone, PixelNormalization.ImageNet);
    }

    /// <summary>Official names to those of a bare backbone; heads are left out.</summary>
    private static string? BackboneName(string key)
    {
        foreach (string prefix in new[] { "teacher.", "module.", "backbone." })
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal))
                key = key[prefix.Length..];
        }

        return key.StartsWith("head.", StringComparison.Ordinal) ? null : key;
    }
}

/// <summary>A backbone ready for inference, with the normalisation of its pixels.</summary>
public sealed record LoadedModel(VisionTransformer Backbone, PixelNormalization Normalization) : IDisposable
{
    /// <summary>Where it lives.</summary>
    public Device Device => Backbone.Store.Device;

    /// <inheritdoc/>
    public void Dispose() => Backbone.Store.Dispose();
}
