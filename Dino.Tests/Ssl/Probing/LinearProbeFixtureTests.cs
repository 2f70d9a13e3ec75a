using Dino.Nn;
using Dino.Ssl.Probing;
using Dino.Tensors;

namespace Dino.Tests.Ssl.Probing;

/// <summary>Linear probes against the official eval_linear: the loss of every step, the schedule, test accuracies of every epoch, and the final weights.</summary>
public class LinearProbeFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(FixtureStore.Names("g_eval").Where(name => name.StartsWith("linear_probe_", StringComparison.Ordinal)).Select(name => $"g_eval/{name}"));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Losses_accuracies_and_weights_agree(string id, string deviceName)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Device device = Devices.Create(deviceName);
        (int classes, int width, int blocks, bool pool, int batch) = (Number("cl"), Number("d"), Number("n"), golden.Config.GetProperty("avg").GetBoolean(), Number("bs"));
        int[] order = ColumnsOfReference(width, blocks, pool);
        using LinearProbe probe = new(device, classes, width, [new LinearHead(blocks, pool, golden.Config.GetProperty("lr").GetDouble())]);
        StateDict.Write(probe.Store["groups.0.weight"], ToOurs(golden.Singles("in.weight0"), order));
        StateDict.Write(probe.Store["groups.0.bias"], golden.Singles("in.bias0"));
        (float[] features, int[] labels) = (Rows(golden, "in.train_x", pool), Labels(golden, "in.train_y"));
        (float[] tested, int[] testLabels) = (Rows(golden, "in.val_x", pool), Labels(golden, "in.val_y"));

        int epochs = Number("ep"), steps = Number("nb");
        Schedule schedule = Schedule.Annealing(1, 0, epochs, epochs);
        List<float> losses = [], rates = [], first = [], five = [], testLosses = [];
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            double rate = schedule[epoch] * batch / 256;
            for (int step = 0; step < steps; step++)
            {
                probe.Step(features.AsSpan(step * batch * probe.FeatureWidth, batch * probe.FeatureWidth), labels.AsSpan(step * batch, batch), rate);
                losses.Add(probe.Losses[0]);
                rates.Add((float)(probe.Heads[0].LearningRate * rate));
            }

            // The chunks differ from the reference's batches: a test does not depend on them.
            LinearScore score = probe.Evaluate(tested, testLabels, batch: 7)[0];
            first.Add((float)score.Top1);
            // The reference has no top-5 accuracy of fewer than five classes.
            five.Add(classes < 5 ? -1 : (float)score.Top5);
            testLosses.Add((float)score.Loss);
        }

        (float[] weight, float[] bias) = probe.WeightsOf(0);
        golden.AssertMatches("out.loss", losses.ToArray());
        golden.AssertMatches("out.lr", rates.ToArray());
        golden.AssertMatches("out.acc1", first.ToArray());
        golden.AssertMatches("out.acc5", five.ToArray());
        golden.AssertMatches("out.vloss", testLosses.ToArray());
        golden.AssertMatches("out.w", ToReference(weight, order));
        golden.AssertMatches("out.b", bias);

        int Number(string name) => golden.Config.GetProperty(name).GetInt32();
    }

    /// <summary>Where our columns lie in the reference, which interleaves CLS and mean: the same classifier, numbered otherwise.</summary>
    private static int[] ColumnsOfReference(int width, int blocks, bool pool) => pool
        ? [.. Enumerable.Range(0, 2 * width).Select(i => i < width ? 2 * i : (2 * (i - width)) + 1)]
        : [.. Enumerable.Range(0, blocks * width)];

    private static float[] ToOurs(float[] reference, int[] order) => [.. reference.Chunk(order.Length).SelectMany(row => order.Select(column => row[column]))];

    private static float[] ToReference(float[] ours, int[] order)
    {
        float[] reference = new float[ours.Length];
        for (int i = 0; i < ours.Length; i++)
            reference[(i / order.Length * order.Length) + order[i % order.Length]] = ours[i];
        return reference;
    }

    /// <summary>From tokens [batches, B, layers, tokens, D] to rows: CLS of each layer, and the mean of the other tokens of the last.</summary>
    private static float[] Rows(FixtureCase golden, string name, bool pool)
    {
        int[] shape = golden.Shape(name);
        (int layers, int tokens, int width) = (shape[2], shape[3], shape[4]);
        return [.. golden.Singles(name).Chunk(layers * tokens * width).SelectMany(sample => sample.Chunk(tokens * width).SelectMany(layer => layer[..width]).Concat(pool ? Mean(sample[^((tokens - 1) * width)..]) : []))];

        IEnumerable<float> Mean(float[] patches) => Enumerable.Range(0, width).Select(i => (float)Enumerable.Range(0, tokens - 1).Average(token => (double)patches[(token * width) + i]));
    }

    private static int[] Labels(FixtureCase golden, string name) => [.. golden.Doubles(name).Select(label => (int)label)];
}
