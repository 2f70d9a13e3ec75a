using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>Weight files of DINOv2, DINOv3 and ResNets: a path is all that is needed, whoever wrote the file.</summary>
public sealed class NetworkFileTests
{
    private static readonly VisionTransformerOptions Small = new() { ImageSize = 28, PatchSize = 14, Width = 128, Depth = 4, Heads = 2 };

    private static readonly Dictionary<string, BackboneOptions> Networks = new(StringComparer.Ordinal)
    {
        ["DINOv2"] = Small with { LayerScale = 1e-5f, MaskToken = true, SmallTokens = true },
        ["DINOv2 in chunks"] = Small with { LayerScale = 1e-5f, MaskToken = true, SmallTokens = true, BlockChunks = 2 },
        ["DINOv2 with registers and a SwiGLU"] = Small with
        {
            LayerScale = 1e-5f, MaskToken = true, SmallTokens = true, Registers = 4, AntialiasedPositions = true, PositionsByRatio = true, FeedForward = FeedForwardKind.SwiGlu,
        },
        ["DINOv3"] = VisionTransformerOptions.DinoV3Small16 with { Width = 128, Depth = 2, Heads = 4 },
        ["DINOv3 plus"] = VisionTransformerOptions.DinoV3SmallPlus16 with { Width = 128, Depth = 2, Heads = 4 },
        ["DINOv3 with RMS norms"] = VisionTransformerOptions.DinoV3SmallPlus16 with { Width = 64, Depth = 2, Heads = 4, Norm = NormKind.RmsNorm, UntiedNorms = true, QkvBias = false, MaskedKeyBias = false, LayerScale = 0 },
        ["ResNet"] = new ResNetOptions { Width = 64, Stem = 12, Depths = new(2, 1, 1, 2) },
        ["ResNet with bottlenecks"] = new ResNetOptions { Width = 128, Stem = 8, Depths = new(1, 2, 1, 1), Bottleneck = true },
    };

    /// <summary>What each of these networks is written beside: nothing, a classifier, or the heads of a training checkpoint.</summary>
    public static TheoryData<string, string> NetworksAndPrefixes
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string network in Networks.Keys)
            {
                data.Add(network, "");
                data.Add(network, "teacher.backbone.");
            }

            return data;
        }
    }

    public static TheoryData<string> Names => [.. Networks.Keys];

    [Theory, MemberData(nameof(NetworksAndPrefixes))]
    public void The_architecture_is_read_off_the_official_names(string name, string prefix)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using ParameterStore store = Build(device, Networks[name], out Backbone network);
        string path = folder.Path("w.safetensors");
        Save(path, store, prefix);

        using LoadedModel read = ModelFile.Load(path, device);
        Assert.Equal(Networks[name], read.Backbone.Options);
        float[] expected = Features(network);
        Assert.Equal(expected, Features(read.Backbone));
        using LoadedModel mapped = ModelFile.Load(path, device, new() { Mapped = true });
        Assert.Equal(expected, Features(mapped.Backbone));
        using LoadedModel packed = ModelFile.Load(path, device, new() { Format = WeightFormat.F32, Mapped = true });
        AssertNear(expected, Features(packed.Backbone), 2e-5);
        // Eight bits of mantissa, and some cancelling in sums.
        using LoadedModel narrow = ModelFile.Load(path, device, new() { Format = WeightFormat.BF16 });
        AssertNear(expected, Features(narrow.Backbone), 0.05);
    }

    [Theory, MemberData(nameof(Names))]
    public void Our_files_and_checkpoints_describe_themselves(string name)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        // What shapes do not tell: another epsilon, other coordinates.
        BackboneOptions options = Networks[name] is VisionTransformerOptions { Rotary: not null } rotary
            ? rotary with { Norm = NormKind.LayerNorm, Rotary = new() { Base = 50, Coordinates = RotaryCoordinates.Smaller, BFloat16 = true } }
            : Networks[name];
        DinoOptions settings = TinyRun.Dino with
        {
            Backbone = options as VisionTransformerOptions ?? TinyRun.Dino.Backbone,
            ResNet = options as ResNetOptions,
        };
        using DinoTrainer trainer = TinyRun.Trainer(device, settings);
        foreach ((string file, Action<string> save) in new (string, Action<string>)[]
        {
            ("w.safetensors", path => ModelFile.Save(path, trainer.Teacher, TinyRun.Crops, "teacher")),
            ("c.safetensors", path => Checkpoint.Save(trainer, TinyRun.Crops, path)),
        })
        {
            save(folder.Path(file));
            using LoadedModel model = ModelFile.Load(folder.Path(file), device);
            Assert.Equal(options, model.Backbone.Options);
            trainer.Teacher.Store.IsTraining = false;
            Assert.Equal(Features(trainer.Teacher.Backbone), Features(model.Backbone));
        }

        using DinoTrainer resumed = TinyRun.Trainer(device, settings);
        Checkpoint.Load(resumed, TinyRun.Crops, folder.Path("c.safetensors"));
    }

    [Fact]
    public void What_a_dino_network_says_of_itself_is_what_it_always_said()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        string path = folder.Path("w.safetensors"), checkpoint = folder.Path("c.safetensors");
        ModelFile.Save(path, trainer.Student, TinyRun.Crops, "student");
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            using var json = System.Text.Json.JsonDocument.Parse(file.Metadata["backbone"]);
            string[] names = ["channels", "classes", "depth", "drop_path", "heads", "image_size", "mlp_ratio", "patch_size", "qkv_bias", "width"];
            Assert.Equal(names, json.RootElement.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        }

        // Settings in another order are the same settings.
        Checkpoint.Save(trainer, TinyRun.Crops, checkpoint);
        SafetensorsWriter writer = new();
        using (SafetensorsFile file = SafetensorsFile.Open(checkpoint))
        {
            foreach ((string key, string value) in file.Metadata)
                writer.Metadata[key] = key == "options" ? Reversed(value) : value;
            foreach (TensorEntry entry in file.Entries.Values)
                writer.AddRaw(entry.Name, entry.Type, [.. entry.Shape], () => file.ReadRaw(entry.Name));
            writer.Save(folder.Path("reversed.safetensors"));
        }

        Checkpoint.Load(trainer, TinyRun.Crops, folder.Path("reversed.safetensors"));
    }

    [Fact]
    public void Positions_of_a_weight_file_take_the_place_of_those_computed_before()
    {
        using CpuDevice device = new(1);
        using ParameterStore from = Build(device, Networks["DINOv3"], out Backbone source), to = Build(device, Networks["DINOv3"], out Backbone network);
        StateDict.Write(from["rope_embed.periods"].Tensor, [1, 2, 3, 5, 8, 13, 21, 34]);
        float[] before = Features(network);
        to.CopyFrom(from);
        Assert.NotEqual(before, Features(network));
        Assert.Equal(Features(source), Features(network));
    }

    private static ParameterStore Build(Device device, BackboneOptions options, out Backbone network)
    {
        ParameterStore store = new();
        network = options.Build(store.Root);
        store.Allocate(device, seed: 5, withGradients: false);
        return store;
    }

    /// <summary>A backbone under official names, beside what such files hold too.</summary>
    private static void Save(string path, ParameterStore store, string prefix)
    {
        SafetensorsWriter writer = new();
        foreach (Parameter parameter in store.All)
            writer.Add(prefix + parameter.Name, parameter.Shape, parameter.Tensor.ToArray());
        if (prefix.Length == 0)
        {
            writer.Add("fc.weight", [3, 2], new float[6]);
            writer.Add("head.weight", [3, 2], new float[6]);
            writer.Add("local_cls_norm.weight", [2], new float[2]);
        }
        else
        {
            writer.Add("teacher.dino_head.mlp.0.weight", [2], new float[2]);
            writer.Add("teacher.ibot_head.last_layer.weight_v", [2], new float[2]);
            writer.Add("student.backbone.cls_token", [1, 1, 2], new float[2]);
        }

        writer.Save(path);
    }

    private static string Reversed(string json)
    {
        System.Text.Json.Nodes.JsonObject before = System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject(), after = [];
        foreach ((string name, System.Text.Json.Nodes.JsonNode? value) in before.Reverse())
            after[name] = value?.DeepClone();
        return after.ToJsonString();
    }

    private static float[] Features(Backbone network)
    {
        using Scope scope = network.Store.Device.OpenScope(GradMode.Off);
        float[] pixels = [.. Enumerable.Range(0, 2 * 3 * 56 * 42).Select(i => (float)Math.Sin(i * 0.7))];
        return network.Forward(scope.Upload(pixels, [2, 3, 56, 42])).ToArray();
    }

    private static void AssertNear(float[] expected, float[] actual, double relative)
    {
        double bound = relative * expected.Max(Math.Abs);
        foreach ((float wanted, float value) in expected.Zip(actual))
            Assert.Equal(wanted, value, bound);
    }
}
