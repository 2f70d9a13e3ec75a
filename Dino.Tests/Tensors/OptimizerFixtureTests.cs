using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>25 steps of torch's optimizers and of the official LARS, driven through the backend of every device with all parameters in one flat buffer.</summary>
public sealed class OptimizerFixtureTests
{
    public static TheoryData<string, string> Cases => Devices.With(FixtureStore.Names("d_optim").Select(name => $"d_optim/{name}"));

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Steps_follow_the_reference(string id, string deviceName)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using Device device = Devices.Create(deviceName);
        using Scope scope = device.OpenScope(GradMode.Off);
        string[] decayed = [.. golden.Config.GetProperty("groups").GetProperty("decayed").EnumerateArray().Select(name => name.GetString()!)];
        string[] names = [.. golden.Names.Where(name => name.StartsWith("in.p0.", StringComparison.Ordinal)).Select(name => name[6..])];
        double[] rates = golden.Doubles("in.lr"), decays = golden.Doubles("in.wd");
        int[] lengths = [.. names.Select(name => golden.Singles("in.p0." + name).Length)], offsets = new int[names.Length], steps = new int[names.Length];
        for (int k = 1; k < names.Length; k++)
            offsets[k] = offsets[k - 1] + lengths[k - 1];

        // Buffers hold NaN before the first update of a parameter: nothing of them may be read then.
        int size = lengths.Sum();
        float[] initial = new float[size], gradients = new float[size], unknown = new float[size];
        Array.Fill(unknown, float.NaN);
        float[][] trace = [.. lengths.Select(length => new float[length * rates.Length])];
        for (int k = 0; k < names.Length; k++)
            golden.Singles("in.p0." + names[k]).CopyTo(initial, offsets[k]);
        Tensor parameter = scope.Upload<float>(initial, [size]), first = scope.Upload<float>(unknown, [size]), second = scope.Upload<float>(unknown, [size]);

        for (int step = 0; step < rates.Length; step++)
        {
            List<Segment> segments = [];
            for (int k = 0; k < names.Length; k++)
            {
                golden.Singles("in.grad." + names[k]).AsSpan(step * lengths[k], lengths[k]).CopyTo(gradients.AsSpan(offsets[k]));
                if (golden.Doubles("in.has_grad." + names[k])[step] == 0)
                    continue;
                double decay = decayed.Contains(names[k]) ? decays[step] : 0;
                bool adapts = golden.Shape("in.p0." + names[k]).Length != 1;
                segments.Add(new Segment(offsets[k], lengths[k], (float)rates[step], (float)decay, ++steps[k], adapts));
            }

            Tensor gradient = scope.Upload<float>(gradients, [size]);
            Step(golden.Config.GetProperty("optimizer").GetString()!, device.Backend, parameter.View, gradient.View, first.View, second.View, [.. segments]);
            float[] stepped = parameter.ToArray();
            for (int k = 0; k < names.Length; k++)
                stepped.AsSpan(offsets[k], lengths[k]).CopyTo(trace[k].AsSpan(step * lengths[k]));
        }

        for (int k = 0; k < names.Length; k++)
            golden.AssertMatches("out." + names[k], trace[k]);
    }

    private static void Step(string optimizer, Backend backend, View parameter, View gradient, View first, View second, Segment[] segments)
    {
        switch (optimizer)
        {
            case "adamw": backend.Adam(parameter, gradient, first, second, segments, new AdamConstants(0.9, 0.999, 1e-8f)); break;
            case "adamw_b95": backend.Adam(parameter, gradient, first, second, segments, new AdamConstants(0.9, 0.95, 1e-6f)); break;
            case "adam": backend.Adam(parameter, gradient, first, second, segments, new AdamConstants(0.9, 0.999, 1e-8f, Decoupled: false)); break;
            case "sgd_plain": backend.Sgd(parameter, gradient, View.None, segments, new SgdConstants(0, 0, false)); break;
            case "sgd_m09": backend.Sgd(parameter, gradient, first, segments, new SgdConstants(0.9f, 0, false)); break;
            case "sgd_nesterov": backend.Sgd(parameter, gradient, first, segments, new SgdConstants(0.9f, 0, true)); break;
            case "sgd_dampening": backend.Sgd(parameter, gradient, first, segments, new SgdConstants(0.8f, 0.1f, false)); break;
            case "lars": backend.Lars(parameter, gradient, first, segments, new LarsConstants(0.9f, 0.001f)); break;
            case "lars_eta": backend.Lars(parameter, gradient, first, segments, new LarsConstants(0.95f, 0.02f)); break;
            default: throw new InvalidOperationException($"The fixture names an optimizer this test does not know: {optimizer}.");
        }
    }
}
