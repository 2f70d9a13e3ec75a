using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Stochastic depth: a device that leaves dropped samples out computes what one that multiplies by 0 does.</summary>
public sealed class DropPathTests
{
    private const int Batch = 7;

    private static readonly VisionTransformerOptions Options = new() { ImageSize = 24, PatchSize = 8, Width = 24, Depth = 3, Heads = 2, MlpRatio = 2, UniformDropPath = true };

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.5f)]
    [InlineData(0.97f)]
    public void Features_and_gradients_are_those_of_factors(float rate)
    {
        using Device leavesOut = Devices.Create("cpu-512"), multiplies = Devices.Create("composite");
        Assert.True(leavesOut.Backend.LeavesOutDropped);
        Assert.False(multiplies.Backend.LeavesOutDropped);
        for (int seed = 0; seed < 4; seed++)
        {
            (float[] Features, float[] Gradients) expected = Run(multiplies, rate, seed), actual = Run(leavesOut, rate, seed);
            AssertNear(expected.Features, actual.Features);
            AssertNear(expected.Gradients, actual.Gradients);
        }
    }

    [Fact]
    public void Where_every_sample_is_dropped_the_branches_add_nothing()
    {
        using Device device = Devices.Create("cpu-512");
        using ParameterStore store = Build(device, 0.9999f, out VisionTransformer network);
        float[] dropped = Features(training: true);
        Assert.NotEqual(Features(training: false), dropped);
        foreach (Parameter parameter in store.Parameters.Where(parameter => parameter.Name.Contains("attn.proj.", StringComparison.Ordinal) || parameter.Name.Contains("fc2.", StringComparison.Ordinal)))
            StateDict.Write(parameter.Tensor, new float[parameter.Shape.Count]);
        Assert.Equal(Features(training: false), dropped);

        float[] Features(bool training)
        {
            store.IsTraining = training;
            using Scope scope = device.OpenScope(GradMode.Off);
            return network.Forward(Pictures(scope)).ToArray();
        }
    }

    private static (float[] Features, float[] Gradients) Run(Device device, float rate, int seed)
    {
        using ParameterStore store = Build(device, rate, out VisionTransformer network);
        store.IsTraining = true;
        store.Masks = new CounterMasks((ulong)seed);
        using Scope scope = device.OpenScope();
        Tensor all = network.Tokens(Pictures(scope)).All, cls = network.Forward(Pictures(scope));
        scope.Backward(Weighed(all) + Weighed(cls));
        return ([.. all.ToArray(), .. cls.ToArray()], [.. store.Parameters.SelectMany(parameter => parameter.Tensor.GradientToArray())]);

        Tensor Weighed(Tensor y) => (y * scope.Upload(HashedWeights.Values("weights", y.Count, 1, 0, 0), y.Shape)).Sum();
    }

    private static ParameterStore Build(Device device, float rate, out VisionTransformer network)
    {
        ParameterStore store = new();
        network = (VisionTransformer)(Options with { DropPath = rate }).Build(store.Root);
        store.Allocate(device);
        foreach (Parameter parameter in store.Parameters)
            StateDict.Write(parameter.Tensor, HashedWeights.Values(parameter.Name, parameter.Shape.Count, 0.3, parameter.Name.Contains("norm", StringComparison.Ordinal) ? 1 : 0, 1));
        return store;
    }

    private static Tensor Pictures(Scope scope) => scope.Upload(HashedWeights.Values("input", Batch * 3L * 24 * 24, 1.5, 0, 0), [Batch, 3, 24, 24]);

    /// <summary>Sums of some hundred products in another order.</summary>
    private static void AssertNear(float[] expected, float[] actual)
    {
        float scale = Math.Max(1, expected.Max(MathF.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 2e-5f * scale, $"Element {i} is {actual[i]}, expected {expected[i]}.");
    }
}
