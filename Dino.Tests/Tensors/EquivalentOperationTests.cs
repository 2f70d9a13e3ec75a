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
