using Dino.Cuda;
using Dino.Nn;
using Dino.Tensors;
using Dino.Tests.Nn;

namespace Dino.Tests.Cuda;

/// <summary>The official vision transformer on a CUDA device that multiplies rounded operands: features are off by a few of its roundings.</summary>
public sealed class CudaPrecisionFixtureTests
{
    public static TheoryData<string> Cases => FixtureStore.Cases("b_dino_vit");

    [FixtureTheory, MemberData(nameof(Cases))]
    public void Features_are_off_by_a_few_roundings(string id)
    {
        using FixtureCase golden = FixtureStore.Open(id);
        foreach ((CudaPrecision precision, double rounding) in new[] { (CudaPrecision.TF32, 1.0 / (1 << 11)), (CudaPrecision.BF16, 1.0 / (1 << 8)) })
        {
            using Device device = Devices.OpenCuda(precision);
            using ParameterStore store = new();
            VisionTransformer network = VisionTransformerFixtureTests.Load(golden, store, device);
            foreach (string size in VisionTransformerFixtureTests.Sizes(golden))
            {
                using Scope scope = device.OpenScope(GradMode.Off);
                float[] features = network.Forward(scope.Upload(golden.Singles($"in.{size}"), new Shape(golden.Shape($"in.{size}")))).ToArray();
                double error = Distance(features, golden.Singles($"out.{size}.cls"));
                // Errors of different signs: a block rounds about ten times on the way of a feature, and a network has a few blocks, hence √(10 · depth) roundings.
                Assert.True(error <= 8 * rounding, $"{golden.Name}, {size}, {precision}: features are off by {error / rounding:f1} roundings.");
                Assert.True(error > 1e-6, $"{golden.Name}, {size}, {precision}: nothing was rounded.");
            }
        }
    }

    /// <summary>Relative distance in the Euclidean norm.</summary>
    private static double Distance(ReadOnlySpan<float> found, ReadOnlySpan<float> expected)
    {
        Assert.Equal(expected.Length, found.Length);
        (double difference, double norm) = (0, 0);
        for (int i = 0; i < found.Length; i++)
        {
            difference += Math.Pow(found[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference / norm);
    }
}
