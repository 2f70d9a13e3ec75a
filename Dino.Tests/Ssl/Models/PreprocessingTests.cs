using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Models;

/// <summary>What is done to pictures is what the files say, or else what the official code of the network does.</summary>
public sealed class PreprocessingTests : IDisposable
{
    /// <summary>As in the folders of facebook/dino-vits16, dinov2-small, dinov3-vits16-pretrain-lvd1689m and microsoft/resnet-50.</summary>
    private static readonly Dictionary<string, (string Json, Preprocessing Expected)> Processors = new(StringComparer.Ordinal)
    {
        ["ViT"] = ("""{"do_normalize": true, "do_resize": true, "feature_extractor_type": "ViTFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 224}""",
            new() { Size = 224, ResizeTo = 224, Square = true }),
        ["Bit"] = ("""{"crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.485, 0.456, 0.406], "image_processor_type": "BitImageProcessor", "image_std": [0.229, 0.224, 0.225], "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 256}}""",
            new()),
        ["DINOv3"] = ("""{"crop_size": null, "data_format": "channels_first", "default_to_square": true, "do_center_crop": null, "do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.485, 0.456, 0.406], "image_processor_type": "DINOv3ViTImageProcessorFast", "image_std": [0.229, 0.224, 0.225], "resample": 2, "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}""",
            new() { Size = 224, ResizeTo = 224, Square = true, FloatPixels = true, Filter = ResizeFilter.Bilinear }),
        ["ConvNext"] = ("""{"crop_pct": 0.875, "do_normalize": true, "do_resize": true, "feature_extractor_type": "ConvNextFeatureExtractor", "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3, "size": 224}""",
            new()),
        ["ConvNext, large"] = ("""{"image_processor_type": "ConvNextImageProcessor", "do_normalize": false, "resample": 3, "size": {"shortest_edge": 384}}""",
            new() { Size = 384, ResizeTo = 384, Square = true, Normalization = PixelNormalization.None }),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public static TheoryData<string> Kinds => [.. Processors.Keys];

    [Theory, MemberData(nameof(Kinds))]
    public void The_processor_of_transformers_decides(string kind)
    {
        using PublishedModel model = new(_device, new VisionTransformerOptions { ImageSize = 16, PatchSize = 8, Width = 64, Depth = 1, Heads = 1, MlpRatio = 1 });
        PublishedModel.WriteFolder(_folder.Root, PublishedNames.HuggingFace("vit", model.Store), "model.safetensors", null, Processors[kind].Json);
        using LoadedModel loaded = ModelFile.Load(_folder.Root, _device);
        Assert.Equal(Processors[kind].Expected, loaded.Preprocessing);
    }

    [Fact]
    public void The_configuration_of_timm_decides()
    {
        ResNetOptions options = new() { Width = 64, Stem = 8, Depths = new(1, 1, 1, 1) };
        using PublishedModel model = new(_device, options);
        PublishedModel.WriteFolder(_folder.Root, PublishedNames.Timm(model.Store), "model.safetensors",
            """{"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 288, 288], "interpolation": "bilinear", "crop_pct": 0.95, "crop_mode": "squash", "mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.3]}}""");
        using LoadedModel loaded = ModelFile.Load(_folder.Root, _device);
        Assert.Equal(new() { Size = 288, ResizeTo = 303, Square = true, Filter = ResizeFilter.Bilinear, Normalization = new() { Mean = (0.5f, 0.4f, 0.3f), StandardDeviation = (0.1f, 0.2f, 0.3f) } }, loaded.Preprocessing);
    }

    public static TheoryData<string> Families => ["DINO", "DINOv2", "DINOv3", "torchvision", "DINO's ResNet"];

    [Theory, MemberData(nameof(Families))]
    public void Without_a_word_the_official_evaluation_holds(string family)
    {
        ResNetOptions resNet = new() { Width = 64, Stem = 8, Depths = new(1, 1, 1, 1) };
        BackboneOptions options = family switch
        {
            "DINO" => new VisionTransformerOptions { Width = 64, Depth = 1, Heads = 1, MlpRatio = 1 },
            "DINOv2" => VisionTransformerOptions.DinoV2Small14 with { Width = 64, Depth = 1, Heads = 1, MlpRatio = 1 },
            "DINOv3" => VisionTransformerOptions.DinoV3Small16 with { Width = 64, Depth = 1, Heads = 1, MlpRatio = 1 },
            "torchvision" => resNet with { Classes = 2 },
            _ => resNet,
        };
        Preprocessing expected = family switch
        {
            "DINOv3" => new() { Size = 256, Square = true, Filter = ResizeFilter.Bilinear },
            "torchvision" => new() { Filter = ResizeFilter.Bilinear },
            _ => new(),
        };
        using PublishedModel model = new(_device, options);
        model.SaveOfficial(_folder.Path("w.safetensors"));
        using LoadedModel loaded = ModelFile.Load(_folder.Path("w.safetensors"), _device);
        Assert.Equal(expected, loaded.Preprocessing);
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }
}
