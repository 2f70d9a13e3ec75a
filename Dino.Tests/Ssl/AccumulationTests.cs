using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Tests.Ssl;

/// <summary>A batch computed in parts, whose gradients add up, is trained on as the whole one.</summary>
public sealed class AccumulationTests
{
    /// <summary>Without what a part does otherwise than the whole: drop path and batch norm. Plain rates show every difference of gradients in the weights.</summary>
    private static readonly DinoOptions Settings = TinyRun.Dino with
    {
        Backbone = TinyRun.Dino.Backbone with { DropPath = 0 },
        Head = TinyRun.Dino.Head with { BatchNorm = false },
        Optimizer = "sgd",
        LearningRate = 1,
    };

    [Theory]
    [InlineData("cpu-512", 2)]
    [InlineData("cpu-512", 4)]
    [InlineData("composite", 2)]
    [InlineData("cuda", 2)]
    public void Parts_train_as_the_whole_batch_but_for_rounding(string deviceName, int parts)
    {
        using Device device = Devices.Create(deviceName);
        using DinoTrainer whole = TinyRun.Trainer(device, Settings), inParts = TinyRun.Trainer(device, Settings, accumulate: parts);
        float[] before = Weights(whole.Teacher);
        for (uint step = 0; step < 10; step++)
        {
            StepReport expected = whole.Step(TinyRun.Views(step), 4), found = inParts.Step(TinyRun.Views(step), 4);
            Assert.Equal(expected.Settings, found.Settings);
            Near([expected.Loss, expected.TeacherEntropy], [found.Loss, found.TeacherEntropy]);
            Near(whole.Centre.Value.ToArray(), inParts.Centre.Value.ToArray());
        }

        Near(Weights(whole.Student), Weights(inParts.Student));
        Near(Weights(whole.Teacher), Weights(inParts.Teacher));
        Assert.True(Distance(before, Weights(whole.Teacher)) > 0.01, $"The teacher has moved by {Distance(before, Weights(whole.Teacher)):g2}.");
        Assert.Equal(whole.Optimizer.Steps.ToArray(), inParts.Optimizer.Steps.ToArray());
    }

    [Fact]
    public void Each_part_draws_masks_of_its_own_and_a_whole_batch_those_of_its_step()
    {
        using CpuDevice device = new(1);
        List<float[]> whole = Masks(device, accumulate: 1), parts = Masks(device, accumulate: 2);
        CounterMasks masks = new(TinyRun.Dino.Seed);
        masks.BeginStep(0);
        foreach (float[] mask in whole)
        {
            float[] expected = new float[mask.Length];
            masks.Next(0.7f, expected);
            Assert.Equal(expected, mask);
        }

        // Two branches at two resolutions, of four pictures and then twice of two: 4 global and 4 local crops.
        Assert.Equal([8, 8, 8, 8], whole.Select(mask => mask.Length));
        Assert.Equal([4, 4, 4, 4, 4, 4, 4, 4], parts.Select(mask => mask.Length));
        Assert.NotEqual(parts[..4], parts[4..]);
    }

    [Fact]
    public void A_step_in_parts_holds_the_activations_of_one_part()
    {
        const int Batch = 16;
        CropView[] views = [.. ((int[])[16, 16, 8, 8]).Select(side => new CropView(new float[Batch * 3 * side * side], side, side))];
        // Logits and their gradients are most of what a step holds.
        DinoOptions options = Settings with { Head = Settings.Head with { Prototypes = 1 << 15 }, BatchSize = Batch };
        long whole = Reserved(1), parts = Reserved(4);
        Assert.True(parts < 0.4 * whole, $"{parts} bytes in four parts, {whole} as a whole.");

        long Reserved(int accumulate)
        {
            using CpuDevice device = new(2);
            using DinoTrainer trainer = TinyRun.Trainer(device, options, accumulate: accumulate);
            trainer.Step(views, Batch);
            // A device hands out the scope closed last, with its memory.
            using Scope scope = device.OpenScope();
            return scope.ReservedBytes;
        }
    }

    [Theory]
    [InlineData(3, "--accumulate 2 or 4")]
    [InlineData(5, "--accumulate 4,")]
    [InlineData(0, "--accumulate 1,")]
    public void Parts_of_unequal_size_are_refused_with_the_numbers_that_do(int parts, string advice)
    {
        using CpuDevice device = new(1);
        using DinoTrainer trainer = TinyRun.Trainer(device, accumulate: parts);
        Assert.Contains(advice, Assert.Throws<ArgumentException>(() => trainer.Step(TinyRun.Views(), 4)).Message, StringComparison.Ordinal);
        Assert.Equal(0, trainer.StepIndex);
        RunOptions options = new() { Data = "", Output = "", Dino = TinyRun.Dino, Crops = TinyRun.Crops, Accumulate = parts };
        Assert.Contains(advice, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_centre_without_logits_does_not_move()
    {
        using CpuDevice device = new(1);
        using TeacherCentre centre = new(device, prototypes: 3, momentum: 0.5);
        using Scope scope = device.OpenScope();
        centre.Add(scope.Upload([9f, 9, 9], [1, 3]));
        centre.Clear();
        Assert.Throws<InvalidOperationException>(centre.Update);
        centre.Add(scope.Upload([1f, 2, 3], [1, 3]));
        centre.Add(scope.Upload([3f, 4, 5, 5, 6, 7], [2, 3]));
        centre.Update();
        Assert.Equal([1.5f, 2, 2.5f], centre.Value.ToArray());
    }

    private static List<float[]> Masks(Device device, int accumulate)
    {
        using DinoTrainer trainer = TinyRun.Trainer(device, accumulate: accumulate);
        RecordingMasks masks = new(trainer.Student.Store.Masks);
        trainer.Student.Store.Masks = masks;
        trainer.Step(TinyRun.Views(), 4);
        return masks.Drawn;
    }

    private static float[] Weights(DinoNetwork network) => [.. network.Store.Parameters.SelectMany(parameter => parameter.Tensor.ToArray())];

    private static double Distance(float[] expected, float[] actual) => expected.Zip(actual, (a, b) => Math.Abs((double)a - b)).Max();

    // 64 · 2^-24 of values of order 1, the least bound of recorded cases: sums in another order, in ten steps of a rate at which rounding does not grow.
    private static void Near(float[] expected, float[] actual) =>
        Assert.True(Distance(expected, actual) <= 64 * Math.Pow(2, -24), $"The largest difference is {Distance(expected, actual):g2}.");

    private sealed class RecordingMasks(IMaskSource source) : IMaskSource
    {
        public List<float[]> Drawn { get; } = [];

        public void Next(float keepProbability, Span<float> mask)
        {
            source.Next(keepProbability, mask);
            Drawn.Add(mask.ToArray());
        }
    }
}
