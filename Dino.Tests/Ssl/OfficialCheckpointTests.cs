using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;
using Dino.Tests.Tensors.Formats;

namespace Dino.Tests.Ssl;

/// <summary>A run of the official code goes on here where it stopped.</summary>
public sealed class OfficialCheckpointTests
{
    private static readonly (object Key, object? Value)[] s_arguments = [("lr", 0.02), ("epochs", 3), ("out_dim", 32), ("use_bn_in_head", true), ("optimizer", "adamw"), ("drop_path_rate", 0.3), ("arch", "vit_tiny"), ("local_crops_scale", new object?[] { 0.05, 0.4 }), ("clip_grad", 3.0)];

    /// <summary>The recorded checkpoint beside the run it was taken from.</summary>
    public static TheoryData<string> Recorded
    {
        get
        {
            TheoryData<string> rows = [];
            if (FixtureStore.Groups.TryGetValue("ckpt", out string? folder) && File.Exists(Path.Combine(folder, "dino_training.pth")) && FixtureStore.Names("d_train").Contains("adamw_vit/trace"))
                rows.Add(Path.Combine(folder, "dino_training.pth"));
            return rows;
        }
    }

    [FixtureTheory, MemberData(nameof(Recorded))]
    public void The_recorded_run_goes_on_as_it_did(string path)
    {
        using FixtureCase trace = FixtureStore.Open("d_train/adamw_vit/trace"), crops = FixtureStore.Open("d_train/crops");
        GoldenRun golden = new(trace, crops, "d_train", "adamw_vit");
        using DinoTrainer trainer = golden.CreateTrainer(CpuDevice.Shared);
        OfficialCheckpoint.Load(trainer, path);
        Assert.Equal(20, trainer.StepIndex);
        for (int step = 20; step < golden.Steps; step++)
        {
            trainer.AfterBackward = _ => golden.CheckGradients(trainer, step);
            golden.CheckStep(trainer, step, trainer.Step(golden.Views(step), golden.Batch));
        }

        golden.CheckFinal(trainer);
    }

    [Theory, InlineData("adamw"), InlineData("sgd"), InlineData("lars")]
    public void A_run_resumed_from_the_official_layout_is_the_same_run(string optimizer)
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        DinoOptions options = TinyRun.Dino with { Optimizer = optimizer };
        using DinoTrainer first = TinyRun.Trainer(device, options), second = TinyRun.Trainer(device, options);
        for (uint step = 0; step < 10; step++)
            first.Step(TinyRun.Views(step), 4);
        TorchFiles.Write(folder.Path("c.pth"), StateDicts.OfficialOf(first, [.. s_arguments.Where(argument => (string)argument.Key != "optimizer"), ("optimizer", optimizer)]));
        OfficialCheckpoint.Load(second, folder.Path("c.pth"), TinyRun.Crops);
        Assert.Equal(10, second.StepIndex);
        AssertSame(first, second);
        for (uint step = 10; step < 15; step++)
            Assert.Equal(first.Step(TinyRun.Views(step), 4).Loss, second.Step(TinyRun.Views(step), 4).Loss);
        AssertSame(first, second);
    }

    [Fact]
    public void A_last_layer_that_is_still_frozen_has_no_state()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        DinoOptions options = TinyRun.Dino with { FreezeLastLayer = 2 };
        using DinoTrainer first = TinyRun.Trainer(device, options), second = TinyRun.Trainer(device, options);
        for (uint step = 0; step < 5; step++)
            first.Step(TinyRun.Views(step), 4);
        TorchFiles.Write(folder.Path("c.pth"), StateDicts.OfficialOf(first));
        OfficialCheckpoint.Load(second, folder.Path("c.pth"));
        Assert.Equal(0, second.Optimizer.Steps[second.Student.Store["head.last_layer.weight_v"].Index]);
        AssertSame(first, second);
    }

    [Fact]
    public void A_run_continues_from_a_file_and_then_from_its_own_checkpoint()
    {
        using TinyRun tiny = new();
        using CpuDevice device = new(1);
        using DinoTrainer first = TinyRun.Trainer(device);
        for (uint step = 0; step < 5; step++)
            first.Step(TinyRun.Views(step), 4);
        string official = tiny.Output("official.pth");
        TorchFiles.Write(official, StateDicts.OfficialOf(first, s_arguments));
        List<long> steps = [];
        TrainingResult result = TinyRun.Train(tiny.Options("run") with { ResumeFrom = official }, watch: progress => steps.Add(progress.Step));
        Assert.True(result.Completed);
        Assert.Equal(Enumerable.Range(6, 10).Select(step => (long)step), steps);

        // The folder's own checkpoint is further than the file, and the file may be gone.
        File.Delete(official);
        steps.Clear();
        Assert.True(TinyRun.Train(tiny.Options("run") with { Resume = true, ResumeFrom = official }, watch: progress => steps.Add(progress.Step)).Completed);
        Assert.Empty(steps);
    }

    [Fact]
    public void A_kept_checkpoint_of_ours_starts_another_folder_bit_for_bit()
    {
        using TinyRun tiny = new();
        TinyRun.Train(tiny.Options("whole") with { SnapshotEpochs = 1 });
        TinyRun.Train(tiny.Options("rest") with { ResumeFrom = Path.Combine(tiny.Output("whole"), "checkpoint0001.safetensors") });
        TinyRun.AssertSameState(tiny.Output("whole"), tiny.Output("rest"));
    }

    [Fact]
    public void Other_settings_are_refused_with_the_options_that_make_them_equal()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        string path = folder.Path("c.pth");
        TorchFiles.Write(path, StateDicts.OfficialOf(trainer, ("lr", 0.0005), ("epochs", 3), ("norm_last_layer", false), ("local_crops_number", 8), ("global_crops_scale", new object?[] { 0.25, 1.0 })));
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => OfficialCheckpoint.Load(trainer, path, TinyRun.Crops));
        foreach (string part in (string[])["lr was 0.0005, now 0.02 (--lr 0.0005)", "norm_last_layer was false, now true (--norm-last-layer false)", "(--local-crops 8)", "global_crops_scale was 0.25 1, now 0.4 1 (--global-crops-scale 0.25 1)"])
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("epochs was", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_does_not_fit_is_refused_before_anything_is_loaded()
    {
        using TemporaryFolder folder = new();
        using CpuDevice device = new(1);
        using DinoTrainer source = TinyRun.Trainer(device), target = TinyRun.Trainer(device, TinyRun.Dino with { Seed = 12 });
        for (uint step = 0; step < 5; step++)
            source.Step(TinyRun.Views(step), 4);
        float[][] before = State(target);
        (object Key, object? Value)[] good = StateDicts.OfficialOf(source);
        Refuses<InvalidDataException>([.. good.Where(item => (string)item.Key != "teacher")], "lacks student, teacher or epoch");
        Refuses<InvalidDataException>([.. good.Where(item => (string)item.Key != "dino_loss")], "dino_loss/center");
        Refuses<InvalidDataException>([.. good.Where(item => (string)item.Key != "optimizer")], "--norm-last-layer");
        Refuses<InvalidDataException>([.. good.Where(item => (string)item.Key != "epoch"), ("epoch", 4)], "epoch 4");
        Refuses<StateDictException>([.. good.Where(item => (string)item.Key != "teacher"), ("teacher", StateDicts.Of(source.Teacher.Store)[1..])], "backbone.cls_token");

        void Refuses<T>((object Key, object? Value)[] content, string reason)
            where T : Exception
        {
            TorchFiles.Write(folder.Path("c.pth"), content);
            Assert.Contains(reason, Assert.Throws<T>(() => OfficialCheckpoint.Load(target, folder.Path("c.pth"))).Message, StringComparison.Ordinal);
            Assert.Equal(before, State(target));
            Assert.Equal(0, target.StepIndex);
        }
    }

    private static void AssertSame(DinoTrainer first, DinoTrainer second)
    {
        Assert.Equal(State(first), State(second));
        foreach (Parameter parameter in first.Student.Store.Parameters)
        {
            for (int buffer = 0; buffer < first.Optimizer.BufferNames.Count; buffer++)
                Assert.Equal(first.Optimizer.Buffer(buffer, parameter.Index).ToArray(), second.Optimizer.Buffer(buffer, parameter.Index).ToArray());
            if (first.Options.Optimizer == "adamw")
                Assert.Equal(first.Optimizer.Steps[parameter.Index], second.Optimizer.Steps[parameter.Index]);
        }
    }

    private static float[][] State(DinoTrainer trainer) =>
        [.. trainer.Student.Store.All.Concat(trainer.Teacher.Store.All).Select(parameter => parameter.Tensor.ToArray()), trainer.Centre.Value.ToArray()];
}
