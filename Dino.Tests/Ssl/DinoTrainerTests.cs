using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>What one step changes and what it leaves alone.</summary>
public sealed class DinoTrainerTests
{
    [Theory]
    [InlineData(0, 1)] // a global view: both networks see it
    [InlineData(3, 1)] // a local view: only the student sees it
    [InlineData(0, 2)] // in the second part: the first one has added its gradients by then
    [InlineData(3, 2)]
    public void A_loss_that_is_not_a_number_is_refused_and_leaves_no_trace(int view, int accumulate)
    {
        using CpuDevice device = new(2);
        using DinoTrainer trainer = TinyRun.Trainer(device, accumulate: accumulate), untouched = TinyRun.Trainer(device, accumulate: accumulate);
        trainer.Step(TinyRun.Views(0), 4);
        untouched.Step(TinyRun.Views(0), 4);
        CropView[] views = TinyRun.Views(1);
        float[] pixels = views[view].Pixels.ToArray();
        pixels[^17] = float.NaN;
        views[view] = views[view] with { Pixels = pixels };

        NonFiniteLossException error = Assert.Throws<NonFiniteLossException>(() => trainer.Step(views, 4));
        Assert.Contains("step 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("--lr", error.Message, StringComparison.Ordinal);
        AssertSame(untouched, trainer);

        // The next step is that of a run which never saw the bad batch.
        Assert.Equal(untouched.Step(TinyRun.Views(2), 4), trainer.Step(TinyRun.Views(2), 4));
        AssertSame(untouched, trainer);
    }

    [Fact]
    public void A_learning_rate_that_blows_up_is_reported_with_its_value()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device, TinyRun.Dino with { LearningRate = 6.4e30, MinLearningRate = 1e29, Epochs = 100, WarmupEpochs = 0, Optimizer = "sgd", ClipGradient = 0 });
        NonFiniteLossException error = Assert.Throws<NonFiniteLossException>(() =>
        {
            for (uint i = 0; i < 10; i++)
                trainer.Step(TinyRun.Views(i), 4);
        });
        Assert.Contains("learning rate 1e+29, teacher temperature 0.03", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_teacher_follows_every_parameter_fixed_ones_too()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        Parameter length = trainer.Student.Store["head.last_layer.weight_g"];
        Assert.True(length.IsFixed);
        device.Backend.Fill(length.Tensor.View, 2);
        float[][] before = Values(trainer.Teacher.Store.Parameters);
        double momentum = trainer.Step(TinyRun.Views(), 4).Settings.Momentum;
        float[][] student = Values(trainer.Student.Store.Parameters), after = Values(trainer.Teacher.Store.Parameters);
        for (int p = 0; p < after.Length; p++)
        {
            for (int i = 0; i < after[p].Length; i++)
            {
                // Two roundings of F32 on values of order 1.
                double expected = (momentum * before[p][i]) + ((1 - momentum) * student[p][i]);
                Assert.Equal(expected, after[p][i], 3e-7 * Math.Max(1, Math.Abs(expected)));
            }
        }

        Assert.All(trainer.Teacher.Store["head.last_layer.weight_g"].Tensor.ToArray(), value => Assert.Equal(1.1f, value, 1e-6f));
    }

    [Fact]
    public void The_teacher_keeps_batch_norm_statistics_of_its_own()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        // A network like the teacher that sees what the teacher sees: the global views alone.
        using DinoNetwork alone = new(trainer.Teacher.Backbone.Options, TinyRun.Dino.Head);
        alone.Store.Allocate(device, withGradients: false).IsTraining = true;
        alone.Store.CopyFrom(trainer.Teacher.Store);
        CropView[] views = TinyRun.Views();
        using (Scope scope = device.OpenScope())
            alone.Forward(scope.Upload<float>([.. views[0].Pixels.Span, .. views[1].Pixels.Span], [8, 3, 16, 16]));
        trainer.Step(views, 4);
        Assert.NotEmpty(trainer.Teacher.Store.Buffers);
        foreach (Parameter buffer in trainer.Teacher.Store.Buffers)
        {
            Assert.Equal(alone.Store[buffer.Name].Tensor.ToArray(), buffer.Tensor.ToArray());
            if (!buffer.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                Assert.NotEqual(trainer.Student.Store[buffer.Name].Tensor.ToArray(), buffer.Tensor.ToArray());
        }
    }

    [Fact]
    public void Paths_are_dropped_in_the_student_only()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        CountingMasks student = new(), teacher = new();
        trainer.Student.Store.Masks = student;
        trainer.Teacher.Store.Masks = teacher;
        trainer.Step(TinyRun.Views(), 4);
        Assert.Equal(0, teacher.Calls);
        // Two branches of the second block (the first has rate 0), at two resolutions: 8 global and 8 local crops.
        Assert.Equal([(0.7f, 8), (0.7f, 8), (0.7f, 8), (0.7f, 8)], student.Requests);
    }

    [Fact]
    public void The_last_layer_stands_still_while_it_is_frozen_and_its_update_count_too()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device, iterationsPerEpoch: 2);
        Parameter last = trainer.Student.Store["head.last_layer.weight_v"], first = trainer.Student.Store["head.mlp.0.weight"];
        float[] before = last.Tensor.ToArray();
        // The very first learning rate of a warm-up is 0: the second step is the first to move anything.
        trainer.Step(TinyRun.Views(0), 4);
        trainer.Step(TinyRun.Views(1), 4);
        Assert.Equal(before, last.Tensor.ToArray());
        Assert.Equal((0, 2), (trainer.Optimizer.Steps[last.Index], trainer.Optimizer.Steps[first.Index]));
        trainer.Step(TinyRun.Views(2), 4);
        Assert.NotEqual(before, last.Tensor.ToArray());
        Assert.Equal((1, 3), (trainer.Optimizer.Steps[last.Index], trainer.Optimizer.Steps[first.Index]));
    }

    [Fact]
    public void Views_that_do_not_fit_are_refused()
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        CropView[] views = TinyRun.Views();
        Assert.Contains("two global views", Assert.Throws<ArgumentException>(() => trainer.Step(views[..1], 4)).Message, StringComparison.Ordinal);
        Assert.Contains("same size", Assert.Throws<ArgumentException>(() => trainer.Step([views[0], views[2]], 4)).Message, StringComparison.Ordinal);
        Assert.Throws<ShapeMismatchException>(() => trainer.Step([views[0], views[1] with { Pixels = views[1].Pixels[..^1] }], 4));
    }

    private static float[][] Values(IEnumerable<Parameter> parameters) => [.. parameters.Select(parameter => parameter.Tensor.ToArray())];

    private static void AssertSame(DinoTrainer expected, DinoTrainer actual)
    {
        Assert.Equal(expected.StepIndex, actual.StepIndex);
        Assert.Equal(expected.Centre.Value.ToArray(), actual.Centre.Value.ToArray());
        Assert.Equal(Values(expected.Student.Store.All), Values(actual.Student.Store.All));
        Assert.Equal(Values(expected.Teacher.Store.All), Values(actual.Teacher.Store.All));
        Assert.Equal(expected.Optimizer.Steps.ToArray(), actual.Optimizer.Steps.ToArray());
        for (int buffer = 0; buffer < expected.Optimizer.BufferNames.Count; buffer++)
        {
            foreach (Parameter parameter in expected.Student.Store.Parameters)
                Assert.Equal(expected.Optimizer.Buffer(buffer, parameter.Index).ToArray(), actual.Optimizer.Buffer(buffer, parameter.Index).ToArray());
        }
    }

    private sealed class CountingMasks : IMaskSource
    {
        public List<(float Keep, int Count)> Requests { get; } = [];

        public int Calls => Requests.Count;

        public void Next(float keepProbability, Span<float> mask)
        {
            Requests.Add((keepProbability, mask.Length));
            mask.Fill(1);
        }
    }
}
