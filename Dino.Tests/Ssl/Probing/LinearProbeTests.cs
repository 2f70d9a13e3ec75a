using Dino.Nn;
using Dino.Ssl.Evaluation;
using Dino.Ssl.Probing;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Probing;

/// <summary>What a linear probe learns from rows of numbers.</summary>
public sealed class LinearProbeTests
{
    private const int Width = 6, Classes = 3, Rows = 30;

    public static TheoryData<string> All => Devices.All;

    [Theory, MemberData(nameof(All))]
    public void Many_heads_learn_what_each_learns_alone(string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        LinearHead[] heads = [new(1, false, 0.3), new(2, true, 0.02), new(1, true, 1), new(2, false, 0.1), new(1, false, 0.001)];
        using LinearProbe together = new(device, Classes, Width, heads);
        (float[] features, int[] labels) = Data(together.FeatureWidth);
        LinearProbe[] alone = [.. heads.Select(head => new LinearProbe(device, Classes, Width, [head]))];
        for (int head = 0; head < heads.Length; head++)
            CopyFirstWeights(together, head, alone[head]);
        for (int step = 0; step < 20; step++)
        {
            double rate = 1 - (step / 20.0);
            together.Step(features, labels, rate);
            foreach ((int head, LinearProbe single) in alone.Index())
            {
                single.Step(Columns(features, heads[head]), labels, rate);
                // 20 steps of rounding on losses of order 1.
                Assert.Equal(single.Losses[0], together.Losses[head], 1e-5f);
            }
        }

        LinearScore[] scores = together.Evaluate(features, labels);
        foreach ((int head, LinearProbe single) in alone.Index())
        {
            LinearScore expected = single.Evaluate(Columns(features, heads[head]), labels)[0];
            Assert.Equal((expected.Top1, expected.Top5), (scores[head].Top1, scores[head].Top5));
            Assert.Equal(expected.Loss, scores[head].Loss, 1e-5);
            foreach ((float a, float b) in single.WeightsOf(0).Weight.Zip(together.WeightsOf(head).Weight))
                Assert.Equal(a, b, 2e-5f);
            single.Dispose();
        }

        // They do differ: rates and columns matter.
        Assert.Equal(heads.Length, together.Losses.ToArray().Distinct().Count());
    }

    [Theory, MemberData(nameof(All))]
    public void A_warm_step_allocates_nothing(string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        using LinearProbe probe = new(device, Classes, Width, [new(2, false, 0.1), new(2, false, 0.2), new(1, true, 0.1)]);
        (float[] features, int[] labels) = Data(probe.FeatureWidth);
        for (int step = 0; step < 8; step++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            probe.Step(features, labels, 0.5);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // Pools grow in the first steps.
            if (step > 3)
                Assert.Equal(0, allocated);
        }
    }

    [Fact]
    public void A_head_that_overflows_does_not_disturb_the_others_and_is_not_called_right()
    {
        using CpuDevice device = new(1);
        using LinearProbe probe = new(device, Classes, Width, [new(1, false, 0.1), new(2, false, 0.1)]);
        using LinearProbe calm = new(device, Classes, Width, [new(1, false, 0.1)]);
        (float[] features, int[] labels) = Data(Width);
        // The first columns, which only the second head sees, are too large to learn from.
        float[] wild = [.. features.Chunk(Width).SelectMany(row => Enumerable.Repeat(1e30f, Width).Concat(row))];
        CopyFirstWeights(probe, 0, calm);
        for (int step = 0; step < 5; step++)
        {
            probe.Step(wild, labels, 1);
            calm.Step(features, labels, 1);
            Assert.Equal(calm.Losses[0], probe.Losses[0], 1e-5f);
        }

        Assert.False(float.IsFinite(probe.Losses[1]));
        Assert.Equal((0, 0), (probe.Evaluate(wild, labels)[1].Top1, probe.Evaluate(wild, labels)[1].Top5));
    }

    [Fact]
    public void A_probe_whose_only_head_overflows_says_so_and_what_to_change()
    {
        using LinearProbe probe = new(CpuDevice.Shared, Classes, Width, [new(1, false, 0.1)]);
        (float[] features, int[] labels) = Data(Width);
        float[] wild = [.. features.Select(value => value * 1e30f)];
        NonFiniteProbeException error = Assert.Throws<NonFiniteProbeException>(() =>
        {
            for (int step = 0; step < 5; step++)
                probe.Step(wild, labels, 1);
        });
        Assert.Contains("--lr", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_that_nobody_learned_count_as_wrong()
    {
        using LinearProbe probe = new(CpuDevice.Shared, Classes, Width, [new(1, false, 0.1)]);
        (float[] features, int[] labels) = Data(Width);
        for (int step = 0; step < 200; step++)
            probe.Step(features, labels, 1);
        Assert.Equal(100, probe.Evaluate(features, labels)[0].Top1);
        int[] foreign = [.. labels.Select((label, i) => i < Rows / 2 ? label : int.MaxValue)];
        LinearScore score = probe.Evaluate(features, foreign)[0];
        Assert.Equal((50, 50), (score.Top1, score.Top5));
        Assert.True(double.IsFinite(score.Loss));
    }

    [Theory]
    [InlineData(new float[] { 1, 3, 2 }, 1, 0)]
    [InlineData(new float[] { 1, 3, 2 }, 0, 2)]
    [InlineData(new float[] { 2, 2, 2 }, 2, 2)] // of equal scores the lower number is ahead
    [InlineData(new float[] { 2, 2, 2 }, 0, 0)]
    [InlineData(new float[] { 1, float.NaN, 2 }, 1, int.MaxValue)]
    [InlineData(new float[] { 1, float.NaN, 2 }, 2, 0)]
    [InlineData(new float[] { 1, 2 }, 7, int.MaxValue)]
    public void A_rank_counts_the_classes_ahead(float[] scores, int label, int rank) => Assert.Equal(rank, ClassRank.Of(scores, label));

    [Fact]
    public void A_rank_among_many_is_the_place_in_the_sorted_scores()
    {
        Random random = new(3);
        for (int count = 1; count < 70; count++)
        {
            float[] scores = [.. Enumerable.Range(0, count).Select(_ => (float)random.Next(20))];
            int label = random.Next(count);
            Assert.Equal(scores.Index().Count(other => other.Item > scores[label] || (other.Item == scores[label] && other.Index < label)), ClassRank.Of(scores, label));
        }
    }

    /// <summary>Classes that lie apart, in every column.</summary>
    private static (float[] Features, int[] Labels) Data(int width)
    {
        Random random = new(5);
        int[] labels = [.. Enumerable.Range(0, Rows).Select(i => i % Classes)];
        return ([.. labels.SelectMany(label => Enumerable.Range(0, width).Select(i => (i % Classes == label ? 1.5f : 0) + random.NextSingle()))], labels);
    }

    /// <summary>What a head sees of rows of two CLS tokens and a mean.</summary>
    private static float[] Columns(float[] features, LinearHead head) =>
        [.. features.Chunk(3 * Width).SelectMany(row => row[((2 - head.Blocks) * Width)..((head.AveragePool ? 3 : 2) * Width)])];

    private static void CopyFirstWeights(LinearProbe from, int head, LinearProbe to) => StateDict.Write(to.Store["groups.0.weight"], from.WeightsOf(head).Weight);
}
