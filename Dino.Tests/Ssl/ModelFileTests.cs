using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>A path to weights is all that is needed; weights that do not fit are refused key by key.</summary>
public sealed class ModelFileTests
{
    /// <summary>Two heads of 64: what can be read off the shapes of any DINO vision transformer.</summary>
    private static readonly VisionTransformerOptions Foreign = new() { ImageSize = 24, PatchSize = 8, Width = 128, Depth = 3, Heads = 2, MlpRatio = 2 };

    [Fact]
    public void Our_files_describe_themselves()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        PixelNormalization normalization = new() { Mean = (0.1f, 0.2f, 0.3f), StandardDeviation = (0.4f, 0.5f, 0.6f) };
        ModelFile.Save(folder.Path("w.safetensors"), trainer.Student, TinyRun.Crops with { Normalization = normalization }, "student");
        using LoadedModel model = ModelFile.Load(folder.Path("w.safetensors"), device);
        // Sixteen wide with two heads: nothing but the metadata tells.
        Assert.Equal(TinyRun.Dino.Backbone with { DropPath = 0 }, model.Backbone.Options);
        Assert.Equal(normalization, model.Preprocessing.Normalization);
        AssertSameBackbone(trainer.Student, model);
        using SafetensorsFile file = SafetensorsFile.Open(folder.Path("w.safetensors"));
        Assert.Equal("student", file.Metadata["role"]);
        Assert.Contains("head.last_layer.weight_v", file.Entries.Keys);
    }

    [Fact]
    public void A_checkpoint_gives_the_teacher()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        for (uint i = 0; i < 3; i++)
            trainer.Step(TinyRun.Views(i), 4);
        Checkpoint.Save(trainer, TinyRun.Crops, folder.Path("checkpoint.safetensors"));
        using LoadedModel model = ModelFile.Load(folder.Path("checkpoint.safetensors"), device);
        Assert.Equal(2, Assert.IsType<VisionTransformerOptions>(model.Backbone.Options).Heads);
        AssertSameBackbone(trainer.Teacher, model);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("teacher.backbone.", false)]
    public void Weights_used_where_they_lie_in_the_file_compute_the_same(string prefix, bool narrow)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoNetwork network = Network(device, Foreign);
        // Values of another type cannot be used where they lie; these are zeros in any.
        SaveForeign(folder.Path("w.safetensors"), network, prefix, writer =>
        {
            if (narrow)
                writer.AddRaw($"{prefix}norm.bias", "F16", [128], () => new byte[256]);
        }, narrow ? ["norm.bias"] : null);
        string path = folder.Path("w.safetensors");
        using LoadedModel read = ModelFile.Load(path, device);
        using (LoadedModel mapped = ModelFile.Load(path, device, new() { Mapped = true }))
        {
            AssertSameBackbone(network, mapped);
            using Scope scope = device.OpenScope(GradMode.Off);
            Tensor pictures = scope.Full([2, 3, 24, 24], 0.25f);
            Assert.Equal(read.Backbone.Forward(pictures).ToArray(), mapped.Backbone.Forward(pictures).ToArray());
            // Writing changes the copy of this process only.
            StateDict.Write(mapped.Backbone.Store["cls_token"].Tensor, Enumerable.Repeat(3f, 128).ToArray());
            Assert.Equal(3, mapped.Backbone.Store["cls_token"].Tensor.ToArray()[0]);
            if (!narrow)
                Assert.Throws<InvalidOperationException>(() => mapped.Backbone.Store.Values.Data);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Assert.Throws<InvalidOperationException>(() => StateDict.Map(mapped.Backbone.Store, device, file, name => name[prefix.Length..]));
        }

        using LoadedModel again = ModelFile.Load(path, device, new() { Mapped = true });
        AssertSameBackbone(network, again);
        again.Dispose();
        if (OperatingSystem.IsLinux())
            Assert.DoesNotContain(path, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("backbone.")]
    [InlineData("module.")]
    [InlineData("module.backbone.")]
    [InlineData("teacher.")]
    [InlineData("teacher.backbone.")]
    [InlineData("teacher.module.backbone.")]
    public void The_architecture_of_foreign_weights_is_read_off_their_shapes(string prefix)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoNetwork network = Network(device, Foreign);
        SaveForeign(folder.Path("w.safetensors"), network, prefix, writer =>
        {
            // What else such files hold: heads, and the student beside the teacher.
            writer.Add($"{prefix.Replace("backbone.", "", StringComparison.Ordinal)}head.mlp.0.weight", [2], new float[2]);
            if (prefix.StartsWith("teacher.", StringComparison.Ordinal))
                writer.Add("student.module.backbone.cls_token", [1, 1, 128], new float[128]);
        });
        using LoadedModel model = ModelFile.Load(folder.Path("w.safetensors"), device);
        Assert.Equal(Foreign, model.Backbone.Options);
        Assert.Equal(PixelNormalization.ImageNet, model.Preprocessing.Normalization);
        AssertSameBackbone(network, model);
    }

    [Fact]
    public void What_shapes_do_not_tell_can_be_given()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoNetwork network = Network(device, Foreign with { Heads = 4 });
        SaveForeign(folder.Path("w.safetensors"), network, "");
        using LoadedModel model = ModelFile.Load(folder.Path("w.safetensors"), device, new() { Amend = found => found with { Heads = 4 } });
        AssertSameBackbone(network, model);
    }

    [Fact]
    public void Weights_that_do_not_fit_are_refused_key_by_key_and_nothing_is_loaded()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoNetwork network = Network(device, Foreign);
        string path = folder.Path("w.safetensors");
        SaveForeign(path, network, "", writer =>
        {
            writer.Add("blocks.1.attn.extra", [3], new float[3]);
            writer.Add("norm.weight", [64, 2], new float[128]);
        }, without: ["blocks.2.mlp.fc2.bias", "norm.weight"]);

        StateDictException error = Assert.Throws<StateDictException>(() => ModelFile.Load(path, device));
        Assert.Equal(["blocks.2.mlp.fc2.bias"], error.Missing);
        Assert.Equal(["blocks.1.attn.extra"], error.Unexpected);
        Assert.Equal(["norm.weight is [64, 2] in the file, [128] in the network"], error.Misshaped);
        foreach (string key in (string[])["blocks.2.mlp.fc2.bias", "blocks.1.attn.extra", "norm.weight"])
            Assert.Contains(key, error.Message, StringComparison.Ordinal);

        ParameterStore store = new();
        _ = new VisionTransformer(store.Root, Foreign);
        using (store.Allocate(device, seed: 9))
        {
            float[][] before = [.. store.All.Select(parameter => parameter.Tensor.ToArray())];
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Assert.Throws<StateDictException>(() => StateDict.Load(store, file));
            Assert.Equal(before, store.All.Select(parameter => parameter.Tensor.ToArray()));
        }
    }

    [Fact]
    public void An_architecture_that_contradicts_the_weights_names_the_first_wrong_shapes()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoNetwork network = Network(device, Foreign);
        SaveForeign(folder.Path("w.safetensors"), network, "");
        StateDictException error = Assert.Throws<StateDictException>(() => ModelFile.Load(folder.Path("w.safetensors"), device, new() { Amend = found => found with { PatchSize = 4 } }));
        Assert.Contains(error.Misshaped, line => line.StartsWith("patch_embed.proj.weight is [128, 3, 8, 8]", StringComparison.Ordinal));
        Assert.Empty(error.Missing);
        Assert.Empty(error.Unexpected);
    }

    [Fact]
    public void A_file_without_a_vision_transformer_says_what_it_holds()
    {
        using TemporaryFolder folder = new();
        SafetensorsWriter writer = new();
        writer.Add("conv1.weight", [4], new float[4]);
        writer.Save(folder.Path("w.safetensors"));
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ModelFile.Load(folder.Path("w.safetensors"), CpuDevice.Shared));
        Assert.Contains("conv1.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("patch_embed.proj.weight", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("backbone", null)]
    [InlineData("backbone", "{")]
    [InlineData("crops", "[]")]
    public void Damaged_metadata_are_named(string name, string? json)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        string path = folder.Path("w.safetensors");
        ModelFile.Save(path, trainer.Student, TinyRun.Crops, "student");
        SafetensorsWriter writer = new();
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            foreach ((string key, string value) in file.Metadata)
                writer.Metadata[key] = value;
        }

        if (json is null)
            writer.Metadata.Remove(name);
        else
            writer.Metadata[name] = json;
        writer.Save(path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ModelFile.Load(path, device));
        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    private static DinoNetwork Network(Device device, VisionTransformerOptions options)
    {
        DinoNetwork network = new(options, TinyRun.Dino.Head);
        network.Store.Allocate(device, seed: 3);
        return network;
    }

    private static void SaveForeign(string path, DinoNetwork network, string prefix, Action<SafetensorsWriter>? more = null, string[]? without = null)
    {
        SafetensorsWriter writer = new();
        foreach (Parameter parameter in network.Store.All.Where(parameter => parameter.Name.StartsWith("backbone.", StringComparison.Ordinal)))
        {
            string name = parameter.Name["backbone.".Length..];
            if (without?.Contains(name) != true)
                writer.Add(prefix + name, parameter.Shape, parameter.Tensor.ToArray());
        }

        more?.Invoke(writer);
        writer.Save(path);
    }

    /// <summary>Every weight, and what comes out of them, agrees in every bit.</summary>
    private static void AssertSameBackbone(DinoNetwork expected, LoadedModel actual)
    {
        foreach (Parameter parameter in actual.Backbone.Store.All)
            Assert.Equal(expected.Store["backbone." + parameter.Name].Tensor.ToArray(), parameter.Tensor.ToArray());
        expected.Store.IsTraining = false;
        int side = actual.Backbone.Options.ImageSize;
        using Scope scope = actual.Device.OpenScope(GradMode.Off);
        Tensor pictures = scope.Upload([.. Enumerable.Range(0, 2 * 3 * side * side).Select(i => (float)Math.Sin(i))], [2, 3, side, side]);
        Assert.Equal(expected.Backbone.Forward(pictures).ToArray(), actual.Backbone.Forward(pictures).ToArray());
    }
}
