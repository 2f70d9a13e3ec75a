using Dino.Nn;
using Dino.Samples.WebGallery;
using Dino.Ssl.Data;
using Dino.Ssl.Demo;
using Dino.Ssl.Training;
using Dino.Tensors;
using Microsoft.AspNetCore.Builder;

namespace Dino.Tests.Samples;

/// <summary>The web sample on a free port, with first weights of a tiny network and a gallery of drawn pictures.</summary>
public sealed class RunningGallery : IAsyncLifetime, IDisposable
{
    public const int Heads = 2;
    public const int Patch = 8;

    private readonly TemporaryFolder _folder = new();
    private WebApplication? _application;

    public HttpClient Client { get; } = new();

    public string[] Pictures { get; private set; } = [];

    public static string SaveWeights(string path)
    {
        using DinoNetwork network = new(new VisionTransformerOptions { ImageSize = 32, PatchSize = Patch, Width = 24, Depth = 2, Heads = Heads }, new() { Prototypes = 16, Hidden = 16, Bottleneck = 8 });
        network.Store.Allocate(CpuDevice.Shared);
        ModelFile.Save(path, network, new MultiCropOptions { GlobalSize = 32, LocalSize = 16 }, "teacher");
        return path;
    }

    public async Task InitializeAsync()
    {
        DrawnPictures.WriteTo(_folder.Path("album"), 1, 2, seed: 3);
        Pictures = [.. Directory.GetFiles(_folder.Path("album", "test"), "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        _application = GalleryApplication.Build(["--weights", SaveWeights(_folder.Path("weights.safetensors")), "--gallery", _folder.Path("album", "test"), "--urls", "http://127.0.0.1:0", "--max-upload", "1"]);
        await _application.StartAsync();
        Client.BaseAddress = new Uri(_application.Urls.Single());
    }

    public async Task DisposeAsync()
    {
        if (_application is not null)
            await _application.DisposeAsync();
    }

    public void Dispose()
    {
        Client.Dispose();
        _folder.Dispose();
    }
}
