using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>25 steps of torch's optimizers and of the official LARS, driven through the backend with all parameters in one flat buffer.</summary>
public sealed class OptimizerFixtureTests
{
    public static TheoryData<string> Cases() => FixtureStore.Cases("d_optim");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Fused_steps_follow_the_reference(string id) => Follow(id, composite: false);

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Composite_steps_follow_the_reference(string id) => Follow(id, composite: true);

    private static void Follow(string id, bool composite)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        using KernelBed bed = new(nameof(Vec256), composite: composite);
        string[] decayed = [.. golden.Config.GetProperty("groups").GetProperty("decayed").EnumerateArray().Select(name => name.GetString()!)];
        string[] names = [.. golden.Names.Where(name => name.StartsWith("in.p0.", StringComparison.Ordinal)).Select(name => name[6..])];
        double[] rates = golden.Doubles("in.lr"), decays = golden.Doubles("in.wd");
        int[] lengths = [.. names.Select(name => golden.Singles("in.p0." + name).Length)], offsets = new int[names.Length], steps = new int[names.Length];
        for (int k = 1; k < names.Length; k++)
            offsets[k] = offsets[k - 1] + lengths[k - 1];

        // Buffers hold NaN before the first update of a parameter: nothing of them may be read then.
        int size = lengths.Sum();
        float[] parameter = new float[size], gradient = new float[size], first = new float[size], second = new float[size];
        Array.Fill(first, float.NaN);
        Array.Fill(second, float.NaN);
        float[][] trace = [.. lengths.Select(length => new float[length * rates.Length])];
        for (int k = 0; k < names.Length; k++)
            golden.Singles("in.p0." + names[k]).CopyTo(parameter, offsets[k]);

        for (int step = 0; step < rates.Length; step++)
        {
            List<Segment> segments = [];
            for (int k = 0; k < names.Length; k++)
            {
                golden.Singles("in.grad." + names[k]).AsSpan(step * lengths[k], lengths[k]).CopyTo(gradient.AsSpan(offsets[k]));
                if (golden.Doubles("in.has_grad." + names[k])[step] == 0)
                    continue;
                double decay = decayed.Contains(names[k]) ? decays[step] : 0;
                bool adapts = golden.Shape("in.p0." + names[k]).Length != 1;
                segments.Add(new Segment(offsets[k], lengths[k], (float)rates[step], (float)decay, ++steps[k], adapts));
            }

            Step(golden.Config.GetProperty("optimizer").GetString()!, bed.Backend, parameter, gradient, first, second, [.. segments]);
            for (int k = 0; k < names.Length; k++)
                parameter.AsSpan(offsets[k], lengths[k]).CopyTo(trace[k].AsSpan(step * lengths[k]));
        }

        for (int k = 0; k < names.Length; k++)
            golden.AssertMatches("out." + names[k], trace[k]);
    }

    private static unsafe void Step(string optimizer, Backend backend, float[] parameter, float[] gradient, float[] first, float[] second, Segment[] segments)
    {
        fixed (float* p = parameter, g = gradient, m = first, v = second)
        {
            View parameters = new((nint)p, Dino.Tensors.DType.F32, [parameter.Length]), gradients = parameters with { Address = (nint)g };
            View one = parameters with { Address = (nint)m }, two = parameters with { Address = (nint)v };
            switch (optimizer)
            {
                case "adamw": backend.Adam(parameters, gradients, one, two, segments, new AdamConstants(0.9, 0.999, 1e-8f)); break;
                case "adamw_b95": backend.Adam(parameters, gradients, one, two, segments, new AdamConstants(0.9, 0.95, 1e-6f)); break;
                case "adam": backend.Adam(parameters, gradients, one, two, segments, new AdamConstants(0.9, 0.999, 1e-8f, Decoupled: false)); break;
                case "sgd_plain": backend.Sgd(parameters, gradients, View.None, segments, new SgdConstants(0, 0, false)); break;
                case "sgd_m09": backend.Sgd(parameters, gradients, one, segments, new SgdConstants(0.9f, 0, false)); break;
                case "sgd_nesterov": backend.Sgd(parameters, gradients, one, segments, new SgdConstants(0.9f, 0, true)); break;
                case "sgd_dampening": backend.Sgd(parameters, gradients, one, segments, new SgdConstants(0.8f, 0.1f, false)); break;
                case "lars": backend.Lars(parameters, gradients, one, segments, new LarsConstants(0.9f, 0.001f)); break;
                case "lars_eta": backend.Lars(parameters, gradients, one, segments, new LarsConstants(0.95f, 0.02f)); break;
                default: throw new InvalidOperationException($"The fixture names an optimizer this test does not know: {optimizer}.");
            }
        }
    }
}
