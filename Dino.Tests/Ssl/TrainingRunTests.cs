using System.Text.Json;
using System.Text.Json.Nodes;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>Runs are functions of pictures and settings: neither a pause nor the number of threads leaves a trace in any bit.</summary>
public sealed class TrainingRunTests
{
    [Theory]
    [InlineData("adamw", 7)]
    [InlineData("sgd", 5)]
    [InlineData("lars", 1)]
    [InlineData("adamw", 14)]
    public void A_cancelled_run_resumes_bit_for_bit(string optimizer, int cancelAt) => CancelAndResume(TinyRun.Dino with { Optimizer = optimizer }, cancelAt);

    [Fact]
    public void So_does_one_of_a_residual_network() =>
        CancelAndResume(TinyRun.Dino with { ResNet = new ResNetOptions { Width = 32, Stem = 4, Depths = new(1, 1, 1, 1), ImageSize = 16 }, Optimizer = "lars" }, 7);

    [Fact]
    public void So_does_one_with_rotary_positions() => CancelAndResume(
        TinyRun.Dino with { Backbone = TinyRun.Dino.Backbone with { Rotary = new(), Registers = 2, LayerScale = 0.1f, MaskedKeyBias = true, FeedForward = FeedForwardKind.SwiGluSplit } }, 7);

    private static void CancelAndResume(DinoOptions dino, int cancelAt)
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("whole") with { Dino = dino });

        RunOptions options = tiny.Options("parts") with { Dino = dino, Resume = true };
        using CancellationTokenSource source = new();
        TrainingResult first = TinyRun.Train(options, watch: progress => CancelAt(progress, cancelAt, source), cancellationToken: source.Token);
        Assert.Equal((cancelAt, false), ((int)first.Step, first.Completed));
        Assert.True(File.Exists(Path.Combine(options.Output, "teacher.safetensors")));
        TrainingResult second = TinyRun.Train(options, threads: 2);
        Assert.Equal((15, true), ((int)second.Step, second.Completed));

        TinyRun.AssertSameState(tiny.Output("whole"), options.Output);
        Assert.Equal(TinyRun.LogWithoutSpeed(tiny.Output("whole")), TinyRun.LogWithoutSpeed(options.Output));
    }

    [Theory]
    [InlineData(4, 3)]  // dies one step after a checkpoint in the middle of the first epoch
    [InlineData(11, 3)] // two steps after one in the middle of the last epoch
    [InlineData(8, 0)]  // in the middle of an epoch, with checkpoints at epoch ends only
    public void A_run_that_dies_resumes_from_its_checkpoint_bit_for_bit(int diesAt, int checkpointSteps)
    {
        using TinyRun tiny = new();
        RunOptions options = tiny.Options("whole") with { CheckpointSteps = checkpointSteps };
        // What a process that is killed at this moment leaves behind.
        TinyRun.Train(options, watch: progress =>
        {
            if (progress.Step == diesAt)
                TinyRun.CopyFolder(options.Output, tiny.Output("dead"));
        });
        File.AppendAllText(Path.Combine(tiny.Output("dead"), "log.jsonl"), "{\"type\":\"step\",\"step\":");
        string[] halves = [.. new[] { "checkpoint", "checkpoint0002" }.Select(name => Path.Combine(tiny.Output("dead"), $"{name}.safetensors.{Guid.NewGuid():N}.tmp"))];
        foreach (string half in halves)
            File.WriteAllBytes(half, [1, 2, 3]);

        TinyRun.Train(options with { Output = tiny.Output("dead"), Resume = true });
        TinyRun.AssertSameState(tiny.Output("whole"), tiny.Output("dead"));
        Assert.Equal(TinyRun.LogWithoutSpeed(tiny.Output("whole")), TinyRun.LogWithoutSpeed(tiny.Output("dead")));
        Assert.DoesNotContain(halves, File.Exists);
    }

    [Fact]
    public void A_run_cancelled_before_its_first_step_resumes_bit_for_bit()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("whole"));
        RunOptions options = tiny.Options("parts") with { Resume = true };
        Assert.Equal(0, TinyRun.Train(options, cancellationToken: new CancellationToken(canceled: true)).Step);
        TinyRun.Train(options);
        TinyRun.AssertSameState(tiny.Output("whole"), tiny.Output("parts"));
    }

    [Fact]
    public void Resuming_a_finished_run_changes_nothing()
    {
        using TinyRun tiny = new();
        RunOptions options = tiny.Options("run") with { Resume = true };
        TinyRun.Train(options);
        TinyRun.CopyFolder(options.Output, tiny.Output("before"));
        TrainingResult again = TinyRun.Train(options, watch: _ => Assert.Fail("There was no step left to do."));
        Assert.True(again.Completed);
        TinyRun.AssertSameState(tiny.Output("before"), options.Output);
        Assert.Equal(File.ReadAllText(Path.Combine(tiny.Output("before"), "log.jsonl")), File.ReadAllText(Path.Combine(options.Output, "log.jsonl")));
    }

    [Fact]
    public void Weights_depend_neither_on_compute_threads_nor_on_loader_workers()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("one"), threads: 1);
        foreach ((int threads, int workers, long cache) in ((int, int, long)[])[(2, 1, 0), (1, 4, 1 << 20), (2, 2, 2000)])
        {
            string name = $"{threads} threads, {workers} workers";
            TinyRun.Train(tiny.Options(name) with { Workers = workers, CacheBytes = cache }, threads);
            TinyRun.AssertSameState(tiny.Output("one"), tiny.Output(name));
            Assert.Equal(TinyRun.LogWithoutSpeed(tiny.Output("one")), TinyRun.LogWithoutSpeed(tiny.Output(name)));
        }
    }

    [Fact]
    public void Another_seed_gives_other_weights()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("a"));
        TinyRun.Train(tiny.Options("b") with { Dino = TinyRun.Dino with { Seed = 12 } });
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(tiny.Output("a"), "student.safetensors")), File.ReadAllBytes(Path.Combine(tiny.Output("b"), "student.safetensors")));
    }

    [Fact]
    public void The_log_holds_one_json_object_a_step_and_one_an_epoch()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("run"));
        JsonObject[] lines = TinyRun.Log(tiny.Output("run"));
        Assert.Equal(["step", "step", "step", "step", "step", "epoch"], lines[..6].Select(line => (string)line["type"]!));
        Assert.Equal(18, lines.Length);
        foreach (JsonObject line in lines)
        {
            foreach (string name in (string[])["step", "epoch", "loss", "lr", "wd", "momentum", "teacher_temp", "teacher_entropy", "kl", "images_per_second"])
                Assert.Equal(JsonValueKind.Number, line[name]!.GetValueKind());
            Assert.True((double)line["images_per_second"]! > 0);
            Assert.Equal((double)line["loss"]! - (double)line["teacher_entropy"]!, (double)line["kl"]!, 1e-6);
        }

        // The values of the schedules, not merely some numbers.
        DinoSchedules schedules = new(TinyRun.Dino, 5);
        foreach (JsonObject line in lines.Where(line => (string)line["type"]! == "step"))
        {
            DinoSettings settings = schedules.At((long)line["step"]!);
            Assert.Equal(
                (settings.LearningRate, settings.WeightDecay, settings.Momentum, settings.TeacherTemperature, settings.Epoch),
                ((double)line["lr"]!, (double)line["wd"]!, (double)line["momentum"]!, (double)line["teacher_temp"]!, (int)line["epoch"]!));
        }

        double[] losses = [.. lines[..5].Select(line => (double)line["loss"]!)];
        Assert.Equal(losses.Average(), (double)lines[5]["loss"]!, 1e-12);
        Assert.Equal(0, (int)lines[5]["skipped_pictures"]!);
        Assert.Equal(JsonValueKind.Array, lines[5]["warnings"]!.GetValueKind());
    }

    [Fact]
    public void Snapshots_are_kept_at_the_asked_epochs_and_can_be_resumed_from()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("run") with { SnapshotEpochs = 2 });
        string snapshot = Path.Combine(tiny.Output("run"), "checkpoint0002.safetensors");
        Assert.Equal([snapshot], Directory.EnumerateFiles(tiny.Output("run"), "checkpoint0*"));
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        Checkpoint.Load(trainer, TinyRun.Crops, snapshot);
        Assert.Equal(10, trainer.StepIndex);
    }

    [Fact]
    public void Too_few_pictures_for_a_batch_are_an_error_that_names_the_fix()
    {
        using TinyRun tiny = new();
        RunOptions options = tiny.Options("run") with { Dino = TinyRun.Dino with { BatchSize = 64 } };
        ArgumentException error = Assert.Throws<ArgumentException>(() => TinyRun.Train(options));
        Assert.Contains("20 pictures", error.Message, StringComparison.Ordinal);
        Assert.Contains("--batch-size 20", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Output));
    }

    [Fact]
    public void Settings_that_do_not_fit_are_refused_with_the_option_to_change()
    {
        using TinyRun tiny = new();
        RunOptions options = tiny.Options("run");
        Refuses("--warmup-epochs", options with { Dino = options.Dino with { WarmupEpochs = 9 } });
        Refuses("patch size 8", options with { Crops = options.Crops with { LocalSize = 12 } });
        Refuses("32 pixels wide", options with { Crops = options.Crops with { GlobalSize = 32 } });
        Refuses("adam", options with { Dino = options.Dino with { Optimizer = "adam" } });
        Refuses("Learning rates", options with { Dino = options.Dino with { LearningRate = double.NaN } });
        Refuses("Learning rates", options with { Dino = options.Dino with { LearningRate = double.PositiveInfinity } });
        Refuses("Temperatures", options with { Dino = options.Dino with { TeacherTemperature = 0 } });
        Refuses("drop path", options with { Dino = options.Dino with { Backbone = options.Dino.Backbone with { DropPath = 1 } } });
        Refuses("heads", options with { Dino = options.Dino with { Backbone = options.Dino.Backbone with { Heads = 3 } } });

        static void Refuses(string word, RunOptions options) =>
            Assert.Contains(word, Assert.Throws<ArgumentException>(() => TinyRun.Train(options)).Message, StringComparison.Ordinal);
    }

    private static void CancelAt(TrainingProgress progress, int step, CancellationTokenSource source)
    {
        if (progress.Step == step)
            source.Cancel();
    }
}
