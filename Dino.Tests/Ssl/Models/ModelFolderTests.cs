using System.Text.Json;
using System.Text.Json.Nodes;
using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl.Models;

/// <summary>Folders and files with the names of transformers and timm give the features of the same weights under official names, bit for bit.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private const string Config = """
        {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8, "num_channels": 3, "image_size": 32, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}
        """;

    private static readonly VisionTransformerOptions Small = new() { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 2, Heads = 2 };
    private static readonly VisionTransformerOptions DinoV2 = VisionTransformerOptions.DinoV2Small14 with { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 2, Heads = 2 };
    private static readonly VisionTransformerOptions Registers = VisionTransformerOptions.DinoV2Small14Registers with { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 2, Heads = 2 };
    private static readonly VisionTransformerOptions DinoV3 = VisionTransformerOptions.DinoV3Small16 with { ImageSize = 32, PatchSize = 8, Width = 64, Depth = 2, Heads = 2 };
    private static readonly ResNetOptions Basic = new() { Width = 64, Stem = 8, Depths = new(1, 2, 1, 1) };

    /// <summary>Networks by family; heads are 32 wide, which no shape tells.</summary>
    private static readonly Dictionary<string, (BackboneOptions Options, string Type, string Config)> HuggingFace = new(StringComparer.Ordinal)
    {
        ["vit"] = (Small, "vit", """{"intermediate_size": 256, "qkv_bias": true}"""),
        ["vit without biases"] = (Small with { QkvBias = false }, "vit", """{"intermediate_size": 256, "qkv_bias": false}"""),
        ["dinov2"] = (DinoV2, "dinov2", """{"mlp_ratio": 4, "use_swiglu_ffn": false}"""),
        ["dinov2 giant"] = (DinoV2 with { FeedForward = FeedForwardKind.SwiGlu }, "dinov2", """{"mlp_ratio": 4, "use_swiglu_ffn": true}"""),
        ["dinov2_with_registers"] = (Registers, "dinov2_with_registers", """{"mlp_ratio": 4, "num_register_tokens": 4}"""),
        ["dinov3_vit"] = (DinoV3, "dinov3_vit", """{"intermediate_size": 256, "num_register_tokens": 4, "layer_norm_eps": 1e-5, "rope_theta": 100.0, "key_bias": false}"""),
        ["dinov3_vit gated"] = (DinoV3 with { FeedForward = FeedForwardKind.SwiGluSplit, MlpRatio = 6 }, "dinov3_vit", """{"intermediate_size": 256, "num_register_tokens": 4, "layer_norm_eps": 1e-5, "use_gated_mlp": true, "hidden_act": "silu"}"""),
        ["dinov3_vit of another base"] = (DinoV3 with { Rotary = new() { Base = 50 } }, "dinov3_vit", """{"num_register_tokens": 4, "layer_norm_eps": 1e-5, "rope_theta": 50}"""),
        ["dinov3_vit without biases"] = (DinoV3 with { QkvBias = false, MaskedKeyBias = false }, "dinov3_vit", """{"num_register_tokens": 4, "layer_norm_eps": 1e-5, "query_bias": false, "value_bias": false}"""),
        ["resnet basic"] = (Basic, "resnet", """{"embedding_size": 8, "hidden_sizes": [8, 16, 32, 64], "depths": [1, 2, 1, 1], "layer_type": "basic", "hidden_act": "relu"}"""),
        ["resnet bottleneck"] = (Basic with { Bottleneck = true, Width = 128 }, "resnet", """{"embedding_size": 8, "hidden_sizes": [16, 32, 64, 128], "depths": [1, 2, 1, 1], "layer_type": "bottleneck", "hidden_act": "relu"}"""),
    };

    private static readonly Dictionary<string, (BackboneOptions Options, string Config)> Timm = new(StringComparer.Ordinal)
    {
        ["vit_small_patch8_224"] = (Small, "{}"),
        ["vit_small_patch14_dinov2"] = (DinoV2, "{}"),
        ["vit_giant_patch14_dinov2"] = (DinoV2 with { FeedForward = FeedForwardKind.SwiGlu }, "{}"),
        ["vit_small_patch14_reg4_dinov2"] = (Registers, "{}"),
        ["vit_small_patch16_dinov3"] = (DinoV3 with { QkvBias = false, MaskedKeyBias = false }, "{}"),
        ["vit_small_patch16_dinov3_qkvb"] = (DinoV3, "{}"),
        ["vit_small_plus_patch16_dinov3_qkvb"] = (DinoV3 with { FeedForward = FeedForwardKind.SwiGluSplit, MlpRatio = 6 }, "{}"),
        ["resnet26"] = (Basic with { Bottleneck = true, Width = 128 }, """{"num_features": 128}"""),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(1);

    public static TheoryData<string> HuggingFaceFamilies => [.. HuggingFace.Keys];

    public static TheoryData<string> TimmArchitectures => [.. Timm.Keys];

    [Theory, MemberData(nameof(HuggingFaceFamilies))]
    public void A_folder_of_transformers_is_loaded_by_its_path(string family)
    {
        (BackboneOptions options, string type, string more) = HuggingFace[family];
        using PublishedModel model = new(_device, options);
        // Every way that weights are kept, and what else stands in names and files.
        foreach ((string weights, string prefix) in new[] { ("model.safetensors", ""), ("pytorch_model.bin", $"{type}."), ("model.safetensors.index.json", "model."), ("pytorch_model.bin.index.json", "") })
        {
            List<PublishedNames.Stored> tensors = [.. PublishedNames.HuggingFace(type, model.Store).Select(tensor => tensor with { Name = prefix + tensor.Name }), new("classifier.weight", [2, 2], new float[4])];
            string folder = _folder.Path(weights.Replace('.', '-'));
            PublishedModel.WriteFolder(folder, tensors, weights, ConfigOf(type, more));
            AssertSame(model, folder, options, "classifier.weight");
        }
    }

    /// <summary>But for biases of keys, which DINOv3 masks and others therefore leave out.</summary>
    [Theory]
    [InlineData("vit")]
    [InlineData("dinov2 giant")]
    [InlineData("dinov3_vit without biases")]
    [InlineData("resnet bottleneck")]
    public void The_fingerprint_does_not_depend_on_how_weights_are_kept(string family)
    {
        (BackboneOptions options, string type, string more) = HuggingFace[family];
        using PublishedModel model = new(_device, options);
        string official = _folder.Path("official.safetensors"), folder = _folder.Path("published");
        model.SaveOfficial(official);
        PublishedModel.WriteFolder(folder, [.. PublishedNames.HuggingFace(type, model.Store)], "pytorch_model.bin", ConfigOf(type, more));
        string fingerprint = ModelFingerprint.Of(official);
        Assert.Equal(fingerprint, ModelFingerprint.Of(folder));
        using (LoadedModel loaded = ModelFile.Load(folder, _device, new() { Format = Dino.Tensors.Backends.WeightFormat.I8 }))
            Assert.Equal(fingerprint, loaded.Fingerprint);
        Assert.Equal(fingerprint, ModelFingerprint.Of(Path.Combine(folder, "pytorch_model.bin")));
        Parameter last = model.Store.All.Last(parameter => !parameter.IsBuffer);
        StateDict.Write(last.Tensor, [.. last.Tensor.ToArray().SkipLast(1), 42f]);
        model.SaveOfficial(official);
        Assert.NotEqual(fingerprint, ModelFingerprint.Of(official));
    }

    [Theory, MemberData(nameof(TimmArchitectures))]
    public void A_folder_of_timm_is_loaded_by_its_path(string architecture)
    {
        (BackboneOptions options, string more) = Timm[architecture];
        using PublishedModel model = new(_device, options);
        ZeroClassPosition(model);
        JsonObject config = new() { ["architecture"] = architecture, ["num_features"] = options.Width, ["model_args"] = new JsonObject { ["num_heads"] = 2 }, ["pretrained_cfg"] = new JsonObject { ["input_size"] = new JsonArray(3, 32, 32), ["crop_pct"] = 0.9 } };
        Merge(config, more);
        PublishedModel.WriteFolder(_folder.Path("m"), [.. PublishedNames.Timm(model.Store), new("head.weight", [2, 2], new float[4])], "model.safetensors", config.ToJsonString());
        LoadedModel loaded = AssertSame(model, _folder.Path("m"), options is VisionTransformerOptions transformer ? transformer with { MaskToken = false, SmallTokens = false } : options, "head.weight");
        Assert.Equal((32, 35, ResizeFilter.Bicubic, false), (loaded.Preprocessing.Size, loaded.Preprocessing.ResizeTo, loaded.Preprocessing.Filter, loaded.Preprocessing.Square));
    }

    /// <summary>What differs from the official names is seen without a word of configuration; heads must be 64 wide then.</summary>
    [Theory, MemberData(nameof(HuggingFaceFamilies))]
    public void A_file_of_transformers_alone_is_enough_where_shapes_tell_everything(string family)
    {
        (BackboneOptions options, string type, string _) = HuggingFace[family];
        options = options is VisionTransformerOptions transformer ? transformer with { Heads = 1, ImageSize = transformer.Rotary is null ? 32 : 224, Rotary = transformer.Rotary is null ? null : new() } : options;
        using PublishedModel model = new(_device, options);
        PublishedModel.Save(PublishedNames.HuggingFace(type, model.Store), _folder.Path("any name.safetensors"));
        using LoadedModel loaded = AssertSame(model, _folder.Path("any name.safetensors"), options, null);
    }

    [Theory, MemberData(nameof(TimmArchitectures))]
    public void A_file_of_timm_alone_is_enough_where_shapes_tell_everything(string architecture)
    {
        BackboneOptions options = Timm[architecture].Options;
        options = options is VisionTransformerOptions transformer ? transformer with { Heads = 1, ImageSize = transformer.Rotary is null ? 32 : 224 } : options;
        using PublishedModel model = new(_device, options);
        ZeroClassPosition(model);
        PublishedModel.WriteFolder(_folder.Path("m"), PublishedNames.Timm(model.Store), "pytorch_model.bin", null);
        using LoadedModel loaded = AssertSame(model, _folder.Path("m"), options is VisionTransformerOptions found ? found with { MaskToken = false, SmallTokens = false } : options, null);
    }

    [Fact]
    public void Half_precision_is_widened_part_by_part()
    {
        using PublishedModel model = new(_device, DinoV3);
        SafetensorsWriter writer = new();
        foreach (PublishedNames.Stored tensor in PublishedNames.HuggingFace("dinov3_vit", model.Store))
        {
            byte[] bytes = [.. tensor.Values.SelectMany(value => BitConverter.GetBytes((Half)value))];
            writer.AddRaw(tensor.Name, "F16", tensor.Shape, () => bytes);
        }

        writer.Save(_folder.Path("model.safetensors"));
        File.WriteAllText(_folder.Path("config.json"), ConfigOf("dinov3_vit", HuggingFace["dinov3_vit"].Config));
        using LoadedModel loaded = ModelFile.Load(_folder.Root, _device);
        foreach (Parameter parameter in model.Store.All.Where(parameter => parameter.Name.EndsWith("qkv.weight", StringComparison.Ordinal)))
            Assert.Equal(parameter.Tensor.ToArray().Select(value => (float)(Half)value), loaded.Backbone.Store[parameter.Name].Tensor.ToArray());
    }

    [Fact]
    public void An_epsilon_of_the_configuration_is_used()
    {
        using PublishedModel model = new(_device, Small with { NormEpsilon = 0.01f });
        PublishedModel.WriteFolder(_folder.Path("m"), PublishedNames.HuggingFace("vit", model.Store), "model.safetensors", ConfigOf("vit", """{"layer_norm_eps": 0.01}"""));
        using LoadedModel loaded = AssertSame(model, _folder.Path("m"), Small with { NormEpsilon = 0.01f }, null);
        using PublishedModel usual = new(_device, Small);
        Assert.NotEqual(PublishedModel.FeaturesOf(usual.Network), PublishedModel.FeaturesOf(loaded.Backbone));
    }

    [Fact]
    public void The_folder_of_a_run_stands_for_its_teacher()
    {
        using DinoTrainer trainer = TinyRun.Trainer(_device);
        ModelFile.Save(_folder.Path("teacher.safetensors"), trainer.Teacher, TinyRun.Crops, "teacher");
        ModelFile.Save(_folder.Path("student.safetensors"), trainer.Student, TinyRun.Crops, "student");
        using LoadedModel loaded = ModelFile.Load(_folder.Root, _device);
        foreach (Parameter parameter in loaded.Backbone.Store.All)
            Assert.Equal(trainer.Teacher.Store[$"backbone.{parameter.Name}"].Tensor.ToArray(), parameter.Tensor.ToArray());
    }

    [Fact]
    public void A_folder_without_weights_is_told_which_names_are_looked_for()
    {
        FileNotFoundException error = Assert.Throws<FileNotFoundException>(() => ModelFile.Load(_folder.Root, _device));
        Assert.Contains("model.safetensors.index.json, pytorch_model.bin", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Root, error.Message, StringComparison.Ordinal);
    }

    /// <summary>What is converted is loaded again without the configuration it came with.</summary>
    [Theory]
    [InlineData("vit")]
    [InlineData("dinov3_vit of another base")]
    [InlineData("resnet basic")]
    public void A_model_under_official_names_describes_itself(string family)
    {
        (BackboneOptions options, string type, string more) = HuggingFace[family];
        using PublishedModel model = new(_device, options);
        PublishedModel.WriteFolder(_folder.Path("m"), PublishedNames.HuggingFace(type, model.Store), "model.safetensors", ConfigOf(type, more),
            """{"image_processor_type": "ViTImageProcessor", "size": {"height": 40, "width": 40}, "resample": 0, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}""");
        using (TensorFile file = TensorFile.Open(_folder.Path("m", "model.safetensors")))
        {
            ConvertedModel converted = ModelFile.Officially(file)!;
            SafetensorsWriter writer = new();
            foreach (TensorEntry entry in converted.Tensors.Entries.Values)
                writer.AddRaw(entry.Name, entry.Type, entry.Shape, () => converted.Tensors.ReadRaw(entry.Name));
            foreach ((string name, string value) in converted.Metadata)
                writer.Metadata[name] = value;
            writer.Save(_folder.Path("converted.safetensors"));
        }

        using LoadedModel before = ModelFile.Load(_folder.Path("m"), _device);
        using LoadedModel loaded = AssertSame(model, _folder.Path("converted.safetensors"), options, null);
        Assert.Equal(before.Preprocessing, loaded.Preprocessing);
        Assert.Equal((40, true, ResizeFilter.Nearest), (loaded.Preprocessing.Size, loaded.Preprocessing.Square, loaded.Preprocessing.Filter));
        using TensorFile official = TensorFile.Open(_folder.Path("converted.safetensors"));
        Assert.Equal(model.Store.All.Select(parameter => parameter.Name).Order(StringComparer.Ordinal), official.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Null(ModelFile.Officially(official));
    }

    public void Dispose()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    private LoadedModel AssertSame(PublishedModel model, string path, BackboneOptions options, string? leftOut)
    {
        LoadedModel loaded = ModelFile.Load(path, _device);
        try
        {
            Assert.Equal(options, loaded.Backbone.Options);
            float[] features = PublishedModel.FeaturesOf(model.Network);
            Assert.All(features, feature => Assert.True(float.IsFinite(feature)));
            Assert.Equal(features, PublishedModel.FeaturesOf(loaded.Backbone));
            Assert.Equal(leftOut is null ? [] : [leftOut], loaded.LeftOut);
            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>timm adds this position to the token itself.</summary>
    private static void ZeroClassPosition(PublishedModel model)
    {
        if (model.Network.Options is not VisionTransformerOptions { Registers: > 0, Rotary: null, Width: var width })
            return;
        float[] positions = model.Store["pos_embed"].Tensor.ToArray();
        positions.AsSpan(0, width).Clear();
        StateDict.Write(model.Store["pos_embed"].Tensor, positions);
    }

    private static string ConfigOf(string type, string more)
    {
        JsonObject config = type == "resnet" ? [] : JsonNode.Parse(Config)!.AsObject();
        config["model_type"] = type;
        Merge(config, more);
        return config.ToJsonString();
    }

    private static void Merge(JsonObject config, string more)
    {
        foreach ((string name, JsonNode? value) in JsonNode.Parse(more)!.AsObject())
            config[name] = value?.DeepClone();
    }
}
