using Dino.Nn;
using Dino.Tensors;

namespace Dino.Tests.Nn;

/// <summary>Gradients of whole networks: against differences, for parts that no golden case differentiates, and of the shorter way to the CLS token.</summary>
public sealed class NetworkGradientTests
{
    private static readonly VisionTransformerOptions Plain = new() { ImageSize = 24, PatchSize = 8, Width = 24, Depth = 2, Heads = 2, MlpRatio = 2 };

    private static readonly Dictionary<string, VisionTransformerOptions> Networks = new(StringComparer.Ordinal)
    {
        ["DINO"] = Plain,
        ["DINOv2 with a SwiGLU, registers and antialiased positions"] = Plain with
        {
            LayerScale = 0.5f, MaskToken = true, Registers = 2, AntialiasedPositions = true, PositionsByRatio = true, FeedForward = FeedForwardKind.SwiGlu,
        },
        ["DINOv3"] = Plain with { LayerScale = 0.5f, MaskToken = true, Registers = 2, Rotary = new(), MaskedKeyBias = true, Norm = NormKind.CoarseLayerNorm },
        ["DINOv3 with everything else"] = Plain with
        {
            MaskToken = true, Rotary = new() { MinPeriod = 0.5, MaxPeriod = 30, Coordinates = RotaryCoordinates.Larger },
            FeedForward = FeedForwardKind.SwiGluSplit, Norm = NormKind.RmsNorm, UntiedNorms = true, QkvBias = false,
        },
    };

    public static TheoryData<string, string> NetworksAndDevices
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string network in Networks.Keys)
            {
                foreach (string device in Devices.Names)
                    data.Add(network, device);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(NetworksAndDevices))]
    public void Gradients_agree_with_differences(string name, string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        using ParameterStore store = Build(device, Networks[name], out VisionTransformer network);
        double Loss(bool backward)
        {
            using Scope scope = device.OpenScope(backward ? GradMode.Record : GradMode.Off);
            Tensor mask = network.Options.MaskToken ? scope.Upload<byte>([0, 1, 0, 0, 1, 1, 0, 0], [2, 4]) : default;
            Tensor y = network.Tokens(Pictures(scope, 16, 16), mask);
            float[] weights = HashedWeights.Values("weights", y.Count, 1, 0, 0);
            if (backward)
                scope.Backward((y * scope.Upload(weights, y.Shape)).Sum());
            // Summed in double: the differences are small beside the sum.
            return y.ToArray().Zip(weights).Sum(pair => (double)pair.First * pair.Second);
        }

        Loss(backward: true);
        foreach (Parameter parameter in store.Parameters)
        {
            float[] values = parameter.Tensor.ToArray(), gradient = parameter.Tensor.GradientToArray();
            double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
            // All elements at once, each up or down by a step: the derivative is a sum of gradients with signs, of the size of their norm.
            float[] signs = [.. HashedWeights.Values(parameter.Name, values.Length, 1, 0, 7).Select(value => value < 0 ? -1f : 1f)];
            const float Step = 2e-3f;
            double Moved(float step)
            {
                StateDict.Write(parameter.Tensor, [.. values.Zip(signs).Select(pair => pair.First + (step * pair.Second))]);
                return Loss(backward: false);
            }

            double numeric = (Moved(Step) - Moved(-Step)) / (2 * Step), recorded = gradient.Zip(signs).Sum(pair => (double)pair.First * pair.Second);
            StateDict.Write(parameter.Tensor, values);
            // Rounding of about a hundred results of order 1 to 2⁻²⁴ gives 1e-6, over a distance of 4e-3; truncation goes with the square of the step
            // times the number of elements that move together.
            double bound = (0.01 * norm) + 2e-3;
            Assert.True(Math.Abs(numeric - recorded) <= bound, $"{name}: {parameter.Name}: recorded {recorded:g6}, differences {numeric:g6}, norm {norm:g3}.");
        }
    }

    [Theory, MemberData(nameof(NetworksAndDevices))]
    public void The_shorter_way_to_the_cls_token_has_the_same_gradients(string name, string deviceName)
    {
        using Device device = Devices.Create(deviceName);
        using ParameterStore store = Build(device, Networks[name], out VisionTransformer network);
        (float[] Values, Dictionary<string, float[]> Gradients) Run(Func<Tensor, Tensor> cls)
        {
            using Scope scope = device.OpenScope();
            Tensor y = cls(Pictures(scope, 32, 16));
            store.ClearGradients();
            scope.Backward((y * scope.Upload(HashedWeights.Values("weights", y.Count, 1, 0, 0), y.Shape)).Sum());
            return (y.ToArray(), store.Parameters.Where(parameter => parameter.Tensor.HasGradient).ToDictionary(parameter => parameter.Name, parameter => parameter.Tensor.GradientToArray(), StringComparer.Ordinal));
        }

        var (expected, gradients) = Run(x => network.Tokens(x).Cls);
        var (actual, shorter) = Run(network.Forward);
        AssertClose("cls", expected, actual);
        // The norm of the patches has no part in the feature.
        foreach (string key in gradients.Keys.Where(key => !(network.Options.UntiedNorms && key.StartsWith("norm.", StringComparison.Ordinal))))
            AssertClose(key, gradients[key], shorter[key]);
    }

    [Fact]
    public void A_masked_key_bias_has_no_part_in_anything()
    {
        using ParameterStore store = Build(CpuDevice.Shared, Networks["DINOv3"], out VisionTransformer network);
        using Scope scope = CpuDevice.Shared.OpenScope();
        Tensor x = Pictures(scope, 24, 24), y = network.Forward(x);
        scope.Backward(y.Sum());
        Parameter bias = store["blocks.0.attn.qkv.bias"];
        Assert.All(bias.Tensor.GradientToArray()[24..48], gradient => Assert.Equal(0, gradient));
        float[] before = y.ToArray(), changed = bias.Tensor.ToArray();
        changed.AsSpan(24, 24).Fill(5);
        StateDict.Write(bias.Tensor, changed);
        Assert.Equal(before, network.Forward(x).ToArray());
    }

    private static ParameterStore Build(Device device, VisionTransformerOptions options, out VisionTransformer network)
    {
        ParameterStore store = new();
        network = options.Build(store.Root);
        store.Allocate(device);
        foreach (Parameter parameter in store.Parameters)
        {
            bool isFactor = parameter.Name.EndsWith("gamma", StringComparison.Ordinal) || (parameter.Shape.Rank == 1 && parameter.Name.EndsWith("weight", StringComparison.Ordinal));
            StateDict.Write(parameter.Tensor, HashedWeights.Values(parameter.Name, parameter.Shape.Count, 0.3, isFactor ? 1 : 0, 1));
        }

        return store;
    }

    private static Tensor Pictures(Scope scope, int height, int width) => scope.Upload(HashedWeights.Values("input", 2L * 3 * height * width, 1.5, 0, 0), [2, 3, height, width]);

    /// <summary>Sums of a few hundred products in another order.</summary>
    private static void AssertClose(string what, float[] expected, float[] actual)
    {
        float scale = Math.Max(1, expected.Max(MathF.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 2e-5f * scale, $"{what}[{i}] is {actual[i]}, expected {expected[i]}.");
    }
}
