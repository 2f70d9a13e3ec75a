using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Embedding;

/// <summary>Weight files of small networks with random weights, and drawn pictures of several sizes.</summary>
public sealed class TinyModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TinyModels()
    {
        Transformer = Save("vit.safetensors", new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 48, Depth = 3, Heads = 2 });
        Rotary = Save("rotary.safetensors", new VisionTransformerOptions { ImageSize = 32, PatchSize = 8, Width = 48, Depth = 2, Heads = 2, Rotary = new(), Registers = 2, LayerScale = 0.1f });
        Residual = Save("resnet.safetensors", new ResNetOptions { Stem = 8, Depths = new StageDepths(1, 1, 1, 1), Bottleneck = false, Width = 64, ImageSize = 32 });
        DrawnPictures.WriteTo(_folder.Path("pictures"), trainPerClass: 2, testPerClass: 1, seed: 3, size: 40);
        Paths = [.. Directory.GetFiles(_folder.Path("pictures", "train"), "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        Images = [.. Paths.Select(path => ImageFile.Decode(path))];
    }

    public string Transformer { get; }

    public string Rotary { get; }

    public string Residual { get; }

    /// <summary>Twenty files.</summary>
    public string[] Paths { get; }

    public Image[] Images { get; }

    public string Pictures => _folder.Path("pictures", "train");

    public string Path(params string[] parts) => _folder.Path(parts);

    /// <summary>A file that begins as a picture and ends too soon.</summary>
    public string Corrupt()
    {
        string path = _folder.Path("corrupt.png");
        File.WriteAllBytes(path, File.ReadAllBytes(Paths[0])[..60]);
        return path;
    }

    public string Save(string name, BackboneOptions backbone)
    {
        using DinoNetwork network = new(backbone, new() { Prototypes = 16, Hidden = 16, Bottleneck = 8 });
        network.Store.Allocate(CpuDevice.Shared, seed: 7);
        string path = _folder.Path(name);
        ModelFile.Save(path, network, new MultiCropOptions { GlobalSize = 32, LocalSize = 16 }, "teacher");
        return path;
    }

    public void Dispose() => _folder.Dispose();
}
