using Dino.Tensors;
using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Recorded gradients against differences, for operations and forms that no golden case differentiates.</summary>
public sealed class GradientCheckTests
{
    // The error of differences at the default step on values of order 1; see GradientCheck.Run.
    private const float Tolerance = 3e-3f;

    private static readonly Dictionary<string, (Func<Tensor[], Tensor> Function, Shape[] Shapes)> Functions = new(StringComparer.Ordinal)
    {
        ["cumulative sum, last axis"] = (x => x[0].CumulativeSum(), [[3, 7]]),
        ["cumulative sum, middle axis, used twice"] = (x => x[0].CumulativeSum(1) * x[0], [[2, 5, 3]]),
        ["sort"] = (x => x[0].Sort(out _, axis: 1) * x[1], [[3, 6, 2], [3, 6, 2]]),
        ["k smallest"] = (x => x[0].TopK(2, out _, largest: false) * x[1], [[4, 6], [4, 2]]),
        ["gather"] = (x => x[0].Gather(1, Indices(x[0], [2, 4], 0, 2, 2, 1, 1, 1, 0, 2)) * x[1], [[2, 3], [2, 4]]),
        ["index select, middle axis"] = (x => x[0].IndexSelect(1, 2, 0, 2) * x[1], [[2, 3, 2], [2, 3, 2]]),
        ["index add"] = (x => x[0].IndexAdd(1, Indices(x[0], [3], 1, 0, 1), x[1], 0.5f) * x[0], [[2, 3], [2, 3]]),
        ["masked select"] = (x => x[0].MaskedSelect(Mask(x[0], [2, 3], 1, 0, 1, 1, 0, 1)) * x[1], [[2, 3], [4]]),
        ["masked fill with an infinity"] = (x => x[0].MaskedFill(Mask(x[0], [3], 0, 0, 1), float.NegativeInfinity).Softmax(), [[2, 3]]),
        ["where"] = (x => Tensor.Where(Mask(x[0], [3, 1], 1, 0, 1), x[0], x[1]), [[3, 4], [4]]),
        ["rms norm"] = (x => x[0].RmsNorm(x[1]), [[3, 5], [5]]),
        ["rms norm without a scale"] = (x => x[0].RmsNorm(), [[3, 5]]),
        ["layer norm over two axes"] = (x => x[0].LayerNorm(x[1], x[2]), [[2, 3, 4], [3, 4], [3, 4]]),
        ["swiglu"] = (x => x[0].SwiGlu(), [[3, 8]]),
        ["swiglu of two, both used twice"] = (x => x[0].SwiGlu(x[1]) * x[0] + x[1], [[3, 5], [3, 5]]),
        ["layer scale"] = (x => x[0].LayerScale(x[1]), [[2, 3, 5], [5]]),
        ["layer scale with everything, input used twice"] = (x => x[0].LayerScale(x[1], x[2], Scope.Of("test", x).Upload([0.5f, 2], [2])) * x[0], [[2, 3, 5], [5], [2, 3, 5]]),
        ["rotation"] = (x => x[0].Rotate(Turns(x[0], 3, 2), 2) * x[1], [[2, 4, 24], [2, 4, 24]]),
        ["rotation used twice"] = (x => x[0].Rotate(Turns(x[0], 4, 2), 2) * x[0], [[2, 4, 24]]),
        ["cosine similarity, middle axis"] = (x => x[0].CosineSimilarity(x[1], axis: 1), [[2, 5, 3], [2, 5, 3]]),
        ["pairwise distance"] = (x => x[0].PairwiseDistance(x[1] + 3), [[4, 5], [4, 5]]),
        ["cross entropy, all options"] = (x => x[0].CrossEntropy([2, 0, 9, 1], Weights(x[0]), smoothing: 0.2f, ignore: 9), [[4, 3]]),
        ["cross entropy by row"] = (x => x[0].CrossEntropy([2, 0, 1, 1], smoothing: 0.1f, reduction: Reduction.None), [[2, 2, 3]]),
        ["cross entropy with soft targets"] = (x => x[0].CrossEntropy(x[1].Softmax(), Weights(x[0]), 0.1f, Reduction.Sum), [[4, 3], [4, 3]]),
        ["mean squared error"] = (x => x[0].MeanSquaredError(x[1], Reduction.BatchMean), [[4, 3], [4, 3]]),
        ["smooth l1"] = (x => x[0].SmoothL1(x[1] * 3 + 0.6f, 0.5f, Reduction.Sum), [[4, 3], [4, 3]]),
        ["binary cross entropy"] = (x => x[0].BinaryCrossEntropyWithLogits(x[1].Sigmoid(), Reduction.Sum), [[4, 3], [4, 3]]),
        ["divergence"] = (x => x[0].LogSoftmax().KlDivergence(x[1].Softmax()), [[4, 3], [4, 3]]),
        ["convolution, everything at once"] = (x => x[0].Conv2D(x[1], x[2], stride: new Size2D(2, 1), padding: new Size2D(1, 2), dilation: new Size2D(1, 2), groups: 2), [[2, 5, 6, 4], [6, 2, 3, 2], [6]]),
        ["average pool beyond the border"] = (x => x[0].AveragePool2D(3, 2, 1, ceiling: true), [[1, 6, 8, 2]]),
        ["average pool without the border"] = (x => x[0].AveragePool2D(3, 2, 1, countPadding: false), [[1, 6, 7, 2]]),
        ["max pool"] = (x => (x[0] * 4).MaxPool2D(3, 2, 1), [[1, 6, 7, 2]]),
        ["adaptive pool"] = (x => x[0].AdaptiveAveragePool2D(new Size2D(3, 2)), [[2, 7, 5, 2]]),
        ["bicubic, antialiased"] = (x => x[0].Resize2D(new Size2D(3, 8), Interpolation.Bicubic, antialias: true), [[2, 7, 5, 2]]),
        ["nearest"] = (x => x[0].Resize2D(1.5, 0.7, Interpolation.Nearest), [[2, 7, 5, 2]]),
        ["reflection"] = (x => x[0].Pad(1, 2, 3, PadMode.Reflect).Pad(0, -1, 2, value: 4), [[3, 4, 2]]),
        ["standard deviation"] = (x => x[0].StandardDeviation([0, 2]), [[3, 4, 5]]),
        ["log-sum-exp, middle axis"] = (x => x[0].LogSumExp(1), [[3, 4, 5]]),
        ["division, row and column"] = (x => x[0] / (x[1] + 3) / (x[2] + 3), [[3, 4], [4], [3, 1]]),
        ["attention"] = (x => x[0].Attention(2), [[2, 5, 12]]),
        ["linear with gelu"] = (x => x[0].Linear(x[1], x[2], Activation.Gelu), [[4, 5], [3, 5], [3]]),
        ["linear with everything"] = (x => x[0].Linear(x[1], x[2], Activation.Gelu, x[3], Scope.Of("test", x).Upload([0.5f, 2], [2])), [[4, 5], [3, 5], [3], [4, 3]]),
        ["attention of the first token"] = (x => x[0].FirstTokenAttention(x[1], x[2], 2), [[2, 5, 6], [12, 6], [12]]),
        ["weight-normed linear"] = (x => x[0].WeightNormLinear(x[1], x[2]), [[4, 5], [3, 5], [3, 1]]),
        ["product with a transposed batch"] = (x => x[0].MatMul(x[1], transpose: true), [[2, 5, 3], [5, 4]]),
    };

    public static TheoryData<string> Cases => [.. Functions.Keys];

    [Theory, MemberData(nameof(Cases))]
    public void Gradient_agrees_with_differences(string function)
    {
        (Func<Tensor[], Tensor> apply, Shape[] shapes) = Functions[function];
        foreach (string name in Devices.Names)
        {
            using Device device = Devices.Create(name);
            GradientCheck.Run(device, apply, [.. shapes.Select((shape, i) => (Values(shape, i), shape))]).Require(Tolerance);
        }
    }

    [Fact]
    public void A_wrong_gradient_is_found_and_named()
    {
        using CpuDevice device = new(1);
        GradientReport report = GradientCheck.Run(device, x => x[0] * 2 + x[1].Detach() * x[1], [(Values([4], 0), [4]), ([1, 2, 3, 4], [4])]);
        Assert.Equal(1, report.Input);
        Assert.True(report.Error > 0.3f);
        Assert.Contains("input 1", Assert.Throws<InvalidOperationException>(() => report.Require(Tolerance)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_vectors_have_finite_distances_and_gradients()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Upload(new float[6], [2, 3], requiresGradient: true);
        scope.Backward(x.NormL2().Reshape(1) + x.StandardDeviation().Reshape(1));
        Assert.Equal(new float[6], x.GradientToArray());
    }

    /// <summary>A permutation of evenly spread values: nothing is equal, and neighbours are further apart than the step.</summary>
    private static float[] Values(Shape shape, int seed)
    {
        int n = (int)shape.Count;
        int[] order = [.. Enumerable.Range(0, n)];
        new Random(seed + n).Shuffle(order);
        return [.. order.Select(i => ((i + 0.5f) / n * 3) - 1.5f)];
    }

    private static Tensor Indices(Tensor x, Shape shape, params int[] indices) => Scope.Of("test", x).Upload(indices, shape);

    private static Tensor Mask(Tensor x, Shape shape, params byte[] mask) => Scope.Of("test", x).Upload(mask, shape);

    private static Tensor Weights(Tensor x) => Scope.Of("test", x).Upload([0.5f, 2, 1], [3]);

    private static Tensor Turns(Tensor x, int tokens, int half) =>
        Scope.Of("test", x).Upload([.. Enumerable.Range(0, 2 * tokens * half).Select(i => MathF.Cos(i))], [2, tokens, half]);
}
