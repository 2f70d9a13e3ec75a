using System.Security.Cryptography;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>A checkpoint restores a run with the same settings, and nothing else passes for one.</summary>
public sealed class CheckpointTests
{
    public static TheoryData<string, string> Changes => new()
    {
        { "seed was 11, now 12", nameof(DinoOptions.Seed) },
        { "learning_rate was 0.02, now 0.03", nameof(DinoOptions.LearningRate) },
        { "epochs was 3, now 4", nameof(DinoOptions.Epochs) },
        { "backbone depth was 2, now 3", nameof(DinoOptions.Backbone) },
        { "head prototypes was 32, now 48", nameof(DinoOptions.Head) },
        { "crops: local_crops was 2, now 1", nameof(RunOptions.Crops) },
    };

    [Theory, MemberData(nameof(Changes))]
    public void Resuming_with_another_setting_names_it_with_both_values(string expected, string setting)
    {
        using TinyRun tiny = new();
        RunOptions options = Trained(tiny);
        DinoOptions dino = options.Dino;
        options = setting switch
        {
            nameof(DinoOptions.Seed) => options with { Dino = dino with { Seed = 12 } },
            nameof(DinoOptions.LearningRate) => options with { Dino = dino with { LearningRate = 0.03 } },
            nameof(DinoOptions.Epochs) => options with { Dino = dino with { Epochs = 4 } },
            nameof(DinoOptions.Backbone) => options with { Dino = dino with { Backbone = dino.Backbone with { Depth = 3 } } },
            nameof(DinoOptions.Head) => options with { Dino = dino with { Head = dino.Head with { Prototypes = 48 } } },
            _ => options with { Crops = options.Crops with { LocalCrops = 1 } },
        };
        string[] before = Hashes(options.Output);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => TinyRun.Train(options));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(";", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Hashes(options.Output));
    }

    [Fact]
    public void Resuming_with_two_other_settings_names_both()
    {
        using TinyRun tiny = new();
        RunOptions options = Trained(tiny);
        options = options with { Dino = options.Dino with { Optimizer = "sgd", ClipGradient = 1 } };
        string message = Assert.Throws<InvalidDataException>(() => TinyRun.Train(options)).Message;
        Assert.Contains("optimizer was adamw, now sgd", message, StringComparison.Ordinal);
        Assert.Contains("clip_gradient was 3, now 1", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_with_other_pictures_says_so()
    {
        using TinyRun tiny = new();
        RunOptions options = Trained(tiny);
        foreach (string file in Directory.EnumerateFiles(tiny.Data, "0001.png", SearchOption.AllDirectories))
            File.Delete(file);
        string message = Assert.Throws<InvalidDataException>(() => TinyRun.Train(options)).Message;
        Assert.Contains("5 steps per epoch", message, StringComparison.Ordinal);
        Assert.Contains("now gives 2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Workers_cache_checkpoint_intervals_and_parts_of_a_batch_may_change_when_a_run_is_resumed()
    {
        using TinyRun tiny = new();
        RunOptions options = Trained(tiny);
        Assert.True(TinyRun.Train(options with { Workers = 1, Accumulate = 2, CacheBytes = 0, CheckpointSteps = 2, SnapshotEpochs = 1 }).Completed);
    }

    [Fact]
    public void A_file_that_is_no_checkpoint_is_refused_by_name()
    {
        using TinyRun tiny = new();
        RunOptions options = Trained(tiny);
        string path = Path.Combine(options.Output, Checkpoint.FileName);
        byte[] good = File.ReadAllBytes(path);
        Refuses([], "0 bytes");
        Refuses(RandomNumberGenerator.GetBytes(4000), "safetensors");
        Refuses(good[..(good.Length / 2)], "outside the");
        Refuses(good[..100], "cut short");
        Refuses([.. good, 0], "belong to none");
        Refuses(File.ReadAllBytes(Path.Combine(options.Output, "teacher.safetensors")), "is not a checkpoint");

        void Refuses(byte[] content, string reason)
        {
            File.WriteAllBytes(path, content);
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => TinyRun.Train(options));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused_before_anything_is_loaded()
    {
        using TinyRun tiny = new();
        string path = Path.Combine(Trained(tiny).Output, Checkpoint.FileName);
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        float[][] before = State(trainer);
        Refuses("lacks 'loss.center'", without: "loss.center");
        Refuses("lacks 'optimizer.steps'", without: "optimizer.steps");
        Refuses("lacks 'teacher.head.mlp.1.running_mean'", without: "teacher.head.mlp.1.running_mean");
        Refuses("lacks 'options'", metadata: "options");
        Refuses("lacks 'step'", metadata: "step");
        Refuses("options are not JSON", metadata: "options", value: "{");
        Refuses("its step '99'", metadata: "step", value: "99");
        Refuses("its step '-1'", metadata: "step", value: "-1");
        Refuses("'loss.center' is F32 [32], not F32 [1, 32]", without: "loss.center", instead: new float[32]);
        Refuses("seed was absent, now 11", metadata: "options", value: "{}");

        void Refuses(string reason, string? without = null, float[]? instead = null, string? metadata = null, string? value = null)
        {
            string damaged = tiny.Output("damaged.safetensors");
            Rewrite(path, damaged, without, instead, metadata, value);
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => Checkpoint.Load(trainer, TinyRun.Crops, damaged));
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, State(trainer));
            Assert.Equal(0, trainer.StepIndex);
        }
    }

    /// <summary>A run cancelled after seven of its fifteen steps, to be resumed.</summary>
    private static RunOptions Trained(TinyRun tiny)
    {
        RunOptions options = tiny.Options("run") with { Resume = true };
        using CancellationTokenSource source = new();
        TinyRun.Train(options, watch: progress => { if (progress.Step == 7) source.Cancel(); }, cancellationToken: source.Token);
        return options;
    }

    private static float[][] State(DinoTrainer trainer) =>
        [.. trainer.Student.Store.All.Concat(trainer.Teacher.Store.All).Select(parameter => parameter.Tensor.ToArray()), trainer.Centre.Value.ToArray()];

    private static string[] Hashes(string folder) => [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))];

    /// <summary>Copies a file with one tensor or one string of the metadata left out or replaced.</summary>
    private static void Rewrite(string from, string to, string? without, float[]? instead, string? metadata, string? value)
    {
        using SafetensorsFile file = SafetensorsFile.Open(from);
        SafetensorsWriter writer = new();
        foreach ((string name, string text) in file.Metadata.Where(pair => pair.Key != metadata))
            writer.Metadata[name] = text;
        if (metadata is not null && value is not null)
            writer.Metadata[metadata] = value;
        foreach (TensorEntry entry in file.Entries.Values.Where(entry => entry.Name != without))
        {
            byte[] bytes = file.ReadRaw(entry.Name);
            writer.AddRaw(entry.Name, entry.Type, entry.Shape, () => bytes);
        }

        if (without is not null && instead is not null)
            writer.Add(without, [instead.Length], instead);
        writer.Save(to);
    }
}
