using Dino.Tensors;

namespace Dino.Tests.Tensors;

/// <summary>Operations that compute less than the ones they stand for: same values, same gradients.</summary>
public class EquivalentOperationTests
{
    // Sums of up to 200 products of order 1 in another order: a few times 200 · 2⁻²⁴ relative to the largest.
    private const float Tolerance = 2e-5f;

    public static TheoryData<string> All => Devices.All;

    [Theory, MemberData(nameof(All))]
    public void Attention_of_the_first_token_is_the_first_token_of_attention(string name)
    {
        foreach ((int batch, int tokens, int channels, int width, int heads) in new[] { (1, 1, 8, 8, 1), (2, 5, 16, 16, 2), (3, 37, 48, 48, 3), (2, 197, 64, 64, 1), (4, 17, 24, 12, 4) })
        {
            AssertSame(name, [[batch, tokens, channels], [3 * width, channels], [3 * width]],
                x => x[0].FirstTokenAttention(x[1], x[2], heads), x => x[0].Linear(x[1], x[2]).Attention(heads).Select(1, 0));
        }

        AssertSame(name, [[2, 5, 16], [48, 16]], x => x[0].FirstTokenAttention(x[1], default, 2), x => x[0].Linear(x[1]).Attention(2).Select(1, 0));
    }

    [Theory, MemberData(nameof(All))]
    public void Packed_queries_keys_and_values_do_as_well(string name)
    {
        using Device device = Devices.Create(name);
        using Scope scope = device.OpenScope();
        Tensor qkv = scope.Upload(Values([3, 37, 144], 1), [3, 37, 144]);
        float[] expected = qkv.Attention(3).Select(1, 0).ToArray(), actual = qkv.FirstTokenAttention(3).ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance);
        Tensor leaf = scope.Upload(Values([1, 2, 6], 1), [1, 2, 6], requiresGradient: true);
        Assert.Contains("Detach()", Assert.Throws<InvalidOperationException>(() => leaf.FirstTokenAttention(1)).Message, StringComparison.Ordinal);
        Assert.Contains("[3, 37, 144]", Assert.Throws<ShapeMismatchException>(() => qkv.FirstTokenAttention(5)).Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(All))]
    public void A_weight_normed_product_needs_no_normed_weight(string name)
    {
        foreach ((int rows, int outputs, int inputs) in new[] { (1, 1, 1), (3, 7, 5), (4, 130, 33), (20, 300, 64) })
            AssertSame(name, [[rows, inputs], [outputs, inputs], [outputs, 1]], x => x[0].WeightNormLinear(x[1], x[2]), x => x[0].Linear(x[1].WeightNorm(x[2])));
    }

    [Theory, MemberData(nameof(All))]
    public void A_linear_layer_adds_its_residual(string name)
    {
        float[] factors = [0, 1.25f, 0.5f];
        foreach (var activation in Enum.GetValues<Dino.Tensors.Backends.Activation>())
        {
            AssertSame(name, [[3, 5, 20], [70, 20], [70], [3, 5, 70]],
                x => x[0].Linear(x[1], x[2], activation, x[3], Scope.Of("test", x).Upload(factors, [3])),
                x => x[3] + (x[0].Linear(x[1], x[2], activation) * Scope.Of("test", x).Upload(factors, [3, 1, 1])));
        }
    }

    /// <summary>Few rows, several runs of rows that end within a sample, widths that fill no vector.</summary>
    public static TheoryData<string, int, int, int, int, int> MlpShapes()
    {
        TheoryData<string, int, int, int, int, int> shapes = [];
        foreach (string device in Devices.Names)
        {
            foreach ((int samples, int tokens, int inputs, int hidden, int outputs) in new[] { (1, 1, 3, 5, 2), (6, 7, 16, 40, 16), (6, 17, 20, 70, 33), (6, 65, 48, 192, 48) })
                shapes.Add(device, samples, tokens, inputs, hidden, outputs);
        }

        return shapes;
    }

    [Theory, MemberData(nameof(MlpShapes))]
    public void An_mlp_is_two_linear_layers(string name, int samples, int tokens, int inputs, int hidden, int outputs)
    {
        Shape input = [samples, tokens, inputs], result = [samples, tokens, outputs];
        float[] factors = [.. Enumerable.Range(0, samples).Select(i => 0.5f * (i % 3))];
        AssertSame(name, [input, [hidden, inputs], [hidden], [outputs, hidden], [outputs], result],
            x => x[0].Mlp(x[1], x[2], x[3], x[4], x[5], Scope.Of("test", x).Upload(factors, [samples])),
            x => x[0].Linear(x[1], x[2], Dino.Tensors.Backends.Activation.Gelu).Linear(x[3], x[4], residual: x[5], factors: Scope.Of("test", x).Upload(factors, [samples])));
        AssertSame(name, [input, [hidden, inputs], [outputs, hidden]], x => x[0].Mlp(x[1], default, x[2], default), x => x[0].Linear(x[1], activation: Dino.Tensors.Backends.Activation.Gelu).Linear(x[2]));
    }

    /// <summary>Gradients are added to those that came before: of the same parameters, and of an input that is the residual too.</summary>
    [Theory, MemberData(nameof(MlpShapes))]
    public void Gradients_of_an_mlp_add_up(string name, int samples, int tokens, int inputs, int hidden, int outputs)
    {
        _ = outputs;
        AssertSame(name, [[samples, tokens, inputs], [hidden, inputs], [hidden], [inputs, hidden], [inputs]],
            x => x[0].Mlp(x[1], x[2], x[3], x[4], x[0]).Mlp(x[1], x[2], x[3], x[4]),
            x =>
            {
                Tensor middle = x[0].Linear(x[1], x[2], Dino.Tensors.Backends.Activation.Gelu).Linear(x[3], x[4], residual: x[0]);
                return middle.Linear(x[1], x[2], Dino.Tensors.Backends.Activation.Gelu).Linear(x[3], x[4]);
            });
        AssertSame(name, [[samples, tokens, inputs], [inputs, inputs], [inputs]],
            x => x[0].Mlp(x[1], x[2], x[1], x[2]), x => x[0].Linear(x[1], x[2], Dino.Tensors.Backends.Activation.Gelu).Linear(x[1], x[2]));
    }

    /// <summary>What is frozen gets no gradient, and what is not gets the same one.</summary>
    [Theory, MemberData(nameof(MlpShapes))]
    public void Parts_of_an_mlp_can_be_frozen(string name, int samples, int tokens, int inputs, int hidden, int outputs)
    {
        using Device device = Devices.Create(name);
        using Scope scope = device.OpenScope();
        Shape[] shapes = [[samples, tokens, inputs], [hidden, inputs], [hidden], [outputs, hidden], [outputs]];
        float[][] all = Gradients([true, true, true, true, true]);
        foreach (bool[] trained in new bool[][] { [true, false, false, false, false], [false, true, false, false, false], [false, false, true, false, true], [false, false, false, true, false] })
        {
            float[][] some = Gradients(trained);
            for (int i = 0; i < shapes.Length; i++)
                Assert.Equal(trained[i] ? all[i] : [], some[i]);
        }

        float[][] Gradients(bool[] trained)
        {
            Tensor[] x = [.. shapes.Select((shape, i) => scope.Upload(Values(shape, i), shape, requiresGradient: trained[i]))];
            scope.Backward(x[0].Mlp(x[1], x[2], x[3], x[4]).Sum());
            return [.. x.Select((tensor, i) => trained[i] ? tensor.GradientToArray() : [])];
        }
    }

    [Theory, MemberData(nameof(All))]
    public void An_mlp_of_no_rows_has_no_gradients_but_zeros(string name)
    {
        using Device device = Devices.Create(name);
        using Scope scope = device.OpenScope();
        Tensor weight = scope.Upload(Values([6, 6], 1), [6, 6], requiresGradient: true), y = scope.Empty([0, 6]).Mlp(weight, default, weight, default);
        scope.Backward(y.Sum());
        Assert.Equal(new Shape(0, 6), y.Shape);
        Assert.All(weight.GradientToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Layers_of_an_mlp_must_fit()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Full([4, 3], 1), first = scope.Full([8, 3], 1), second = scope.Full([3, 8], 1), samples = scope.Upload([0, 2], [2]);
        Assert.Contains("Mlp, second layer: input [4, 8]", Assert.Throws<ShapeMismatchException>(() => x.Mlp(first, default, first, default)).Message, StringComparison.Ordinal);
        Assert.Contains("residual", Assert.Throws<ArgumentException>(() => x.Mlp(first, default, second, default, samples: samples)).Message, StringComparison.Ordinal);
        Assert.Contains("bias [3]", Assert.Throws<ShapeMismatchException>(() => x.Mlp(first, scope.Full([3], 1), second, default)).Message, StringComparison.Ordinal);
        Assert.Contains("residual", Assert.Throws<ShapeMismatchException>(() => x.Mlp(first, default, second, default, scope.Full([4, 2], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("factors", Assert.Throws<ShapeMismatchException>(() => x.Mlp(first, default, second, default, x, scope.Full([3], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("2 samples", Assert.Throws<ShapeMismatchException>(() => x.Mlp(first, default, second, default, x, scope.Full([2], 1), samples)).Message, StringComparison.Ordinal);
    }

    /// <summary>A branch of a block with stochastic depth, its norm given back before its time as there.</summary>
    [Theory, MemberData(nameof(All))]
    public void A_branch_of_some_samples_is_the_branch_of_all_times_factors(string name)
    {
        int[][] subsets = [[0], [5], [1, 2, 3], [0, 2, 5], [0, 1, 2, 3, 4, 5]];
        foreach ((int tokens, int width, int hidden) in new[] { (1, 16, 8), (5, 24, 70), (17, 48, 400), (40, 16, 40) })
        {
            foreach (int[] samples in subsets)
            {
                float[] all = [.. Enumerable.Range(0, 6).Select(i => samples.Contains(i) ? 1 + (0.25f * i) : 0)], some = [.. samples.Select(i => all[i])];
                AssertSame(name, [[6, tokens, width], [width], [width], [hidden, width], [hidden], [width, hidden], [width]],
                    x =>
                    {
                        Scope scope = Scope.Of("test", x);
                        Tensor chosen = scope.Upload<int>(samples, [samples.Length], 6), factors = scope.Upload<float>(some, [some.Length], 6);
                        Tensor normed = x[0].SampleLayerNorm(chosen, x[1], x[2], 1e-6f), y = normed.Mlp(x[3], x[4], x[5], x[6], x[0], factors, chosen);
                        normed.Release();
                        return y;
                    },
                    x => x[0].LayerNorm(x[1], x[2]).Linear(x[3], x[4], Dino.Tensors.Backends.Activation.Gelu).Linear(x[5], x[6], residual: x[0], factors: Scope.Of("test", x).Upload(all, [6])));
            }
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Attention_of_some_samples_is_theirs(string name)
    {
        int[] samples = [1, 3, 4];
        AssertSame(name, [[5, 9, 16], [48, 16], [16, 16]],
            x =>
            {
                Tensor chosen = Scope.Of("test", x).Upload<int>(samples, [3], 5), factors = Scope.Of("test", x).Upload<float>([1, 1, 1], [3], 5);
                return x[0].SampleLayerNorm(chosen, default, default, 1e-6f).Linear(x[1]).Attention(2).SampleLinear(x[2], default, x[0], chosen, factors);
            },
            x => x[0].LayerNorm().Linear(x[1]).Attention(2).Linear(x[2], residual: x[0], factors: Scope.Of("test", x).Upload([0, 1f, 0, 1, 1], [5])));
    }

    [Fact]
    public void Samples_must_be_some_of_the_batch()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Upload(Values([3, 2, 4], 0), [3, 2, 4]), weight = scope.Upload(Values([4, 4], 1), [4, 4]), two = scope.Upload(Values([2, 2, 4], 2), [2, 2, 4]);
        Tensor samples = scope.Upload([0, 2], [2]), factors = scope.Upload([1f, 1], [2]);
        Assert.Contains("1 to 3 indices", Assert.Throws<ShapeMismatchException>(() => x.SampleLayerNorm(scope.Upload([0, 1, 2, 0], [4]), default, default, 1e-6f)).Message, StringComparison.Ordinal);
        Assert.Contains("I32", Assert.ThrowsAny<Exception>(() => x.SampleLayerNorm(factors, default, default, 1e-6f)).Message, StringComparison.Ordinal);
        Assert.Contains("Index 3", Assert.Throws<ArgumentOutOfRangeException>(() => x.SampleLayerNorm(scope.Upload([0, 3], [2]), default, default, 1e-6f)).Message, StringComparison.Ordinal);
        Assert.Contains("[3, 2, 4]", Assert.Throws<ShapeMismatchException>(() => x.SampleLinear(weight, default, x, samples, factors)).Message, StringComparison.Ordinal);
        Assert.Contains("1 factors", Assert.Throws<ShapeMismatchException>(() => two.SampleLinear(weight, default, x, samples, scope.Upload([1f], [1]))).Message, StringComparison.Ordinal);
        Assert.Equal(x.Shape, two.SampleLinear(weight, default, x, samples, factors).Shape);
    }

    [Fact]
    public void Factors_must_divide_the_rows()
    {
        using CpuDevice device = new(1);
        using Scope scope = device.OpenScope();
        Tensor x = scope.Full([4, 3], 1), weight = scope.Full([2, 3], 1);
        Assert.Contains("[3]", Assert.Throws<ShapeMismatchException>(() => x.Linear(weight, factors: scope.Full([3], 1))).Message, StringComparison.Ordinal);
        Assert.Contains("residual", Assert.Throws<ShapeMismatchException>(() => x.Linear(weight, residual: x)).Message, StringComparison.Ordinal);
    }

    private static void AssertSame(string deviceName, Shape[] shapes, Func<Tensor[], Tensor> cheap, Func<Tensor[], Tensor> plain)
    {
        using Device device = Devices.Create(deviceName);
        float[][] expected = Run(device, shapes, plain), actual = Run(device, shapes, cheap);
        for (int i = 0; i < expected.Length; i++)
        {
            float scale = Math.Max(1, expected[i].Max(MathF.Abs));
            for (int j = 0; j < expected[i].Length; j++)
                Assert.True(Math.Abs(expected[i][j] - actual[i][j]) <= Tolerance * scale, $"{string.Join(", ", shapes)}: array {i}, element {j} is {actual[i][j]}, expected {expected[i][j]}.");
        }
    }

    /// <summary>The values of a function and the gradients of its operands.</summary>
    private static float[][] Run(Device device, Shape[] shapes, Func<Tensor[], Tensor> function)
    {
        using Scope scope = device.OpenScope();
        Tensor[] operands = [.. shapes.Select((shape, i) => scope.Upload(Values(shape, i), shape, requiresGradient: true))];
        Tensor y = function(operands);
        scope.Backward((y * scope.Upload(Values(y.Shape, 9), y.Shape)).Sum());
        return [y.ToArray(), .. operands.Select(operand => operand.GradientToArray())];
    }

    private static float[] Values(Shape shape, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, (int)shape.Count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
