using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Tests.Tensors;

/// <summary>Functions of one operand: every length, in and out of place, values and gradients.</summary>
public sealed class UnaryTests
{
    private const int Longest = 257;

    public static TheoryData<Width, UnaryOp> Cases => Widths.With<UnaryOp>();

    public static TheoryData<Width> All => Widths.All;

    [Theory, MemberData(nameof(Cases))]
    public void Every_length_agrees_with_the_definition(Width width, UnaryOp op)
    {
        using Backend backend = Widths.Create(width);
        (float a, float b) = Constants(op);
        float[] values = Inputs(op);
        for (int n = 0; n <= Longest; n++)
        {
            using GuardedMemory x = new([n], values), y = new([n]);
            backend.Unary(op, x.View, y.View, a, b);
            for (int i = 0; i < n; i++)
                AssertClose(op, values[i], ScalarReference.Unary(op, values[i], a, b), y.Floats[i], 1);
            backend.Unary(op, x.View, x.View, a, b);
            Assert.True(x.Floats.SequenceEqual(y.Floats), $"{op} in place differs at length {n}.");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Every_length_of_the_gradient_agrees_with_the_definition(Width width, UnaryOp op)
    {
        using Backend backend = Widths.Create(width);
        (float a, float b) = Constants(op);
        float[] values = Inputs(op);
        for (int n = 0; n <= Longest; n++)
        {
            using GuardedMemory x = new([n], values), y = new([n]), dy = new([n]), dx = new([n]), sum = new([n]);
            backend.Unary(op, x.View, y.View, a, b);
            for (int i = 0; i < n; i++)
                (dy.Floats[i], sum.Floats[i]) = (0.5f + (i % 7), i % 5);
            backend.UnaryBackward(op, x.View, y.View, dy.View, new Destination(dx.View), a, b);
            backend.UnaryBackward(op, x.View, y.View, dy.View, new Destination(sum.View, true), a, b);
            for (int i = 0; i < n; i++)
            {
                double expected = dy.Floats[i] * ScalarReference.Derivative(op, values[i], a, b);
                AssertClose(op, values[i], expected, dx.Floats[i], dy.Floats[i]);
                Assert.Equal((i % 5) + dx.Floats[i], sum.Floats[i]);
            }

            backend.UnaryBackward(op, x.View, y.View, dy.View, new Destination(dy.View), a, b);
            Assert.True(dy.Floats.SequenceEqual(dx.Floats), $"The gradient of {op} in place differs at length {n}.");
            backend.UnaryBackward(op, x.View, y.View, dy.View, Destination.None, a, b);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void NaN_and_edges_are_those_of_torch(Width width)
    {
        using Backend backend = Widths.Create(width);
        const float NaN = float.NaN, Inf = float.PositiveInfinity;
        AssertValues(backend, UnaryOp.Relu, [NaN, -1, 0, 2, -Inf, Inf], [NaN, 0, 0, 2, 0, Inf]);
        AssertValues(backend, UnaryOp.Clamp, [NaN, -2, -1, 0, 1, 2, Inf], [NaN, -1, -1, 0, 1, 1, 1]);
        AssertValues(backend, UnaryOp.Round, [0.5f, 1.5f, 2.5f, -0.5f, -1.5f, NaN], [0, 2, 2, 0, -2, NaN]);
        AssertValues(backend, UnaryOp.Sign, [-3, 0, 4, NaN, -Inf], [-1, 0, 1, 0, -1]);
        AssertValues(backend, UnaryOp.IsNaN, [NaN, 0, Inf, 1], [1, 0, 0, 0]);
        AssertValues(backend, UnaryOp.Softplus, [20.5f, 100, -Inf, Inf, NaN], [20.5f, 100, 0, Inf, NaN]);
        AssertValues(backend, UnaryOp.Abs, [-0f, -2, NaN, -Inf], [0, 2, NaN, Inf]);
    }

    [Theory, MemberData(nameof(All))]
    public void Gradients_at_kinks_are_those_of_torch(Width width)
    {
        using Backend backend = Widths.Create(width);
        AssertGradients(backend, UnaryOp.Relu, [-1, 0, 1, float.NaN], [0, 0, 1, 1]);
        AssertGradients(backend, UnaryOp.Clamp, [-1.1f, -1, 0, 1, 1.1f, float.NaN], [0, 1, 1, 1, 0, 0]);
        AssertGradients(backend, UnaryOp.Abs, [-2, 0, 2], [-1, 0, 1]);
        AssertGradients(backend, UnaryOp.Softplus, [21, 1000], [1, 1]);
    }

    [Theory, MemberData(nameof(All))]
    public void Powers_agree_with_the_definition(Width width)
    {
        using Backend backend = Widths.Create(width);
        foreach (float exponent in (float[])[0, 1, 2, 3, 4, 0.5f, -0.5f, -1, -2, 1.7f, 0.25f])
        {
            using GuardedMemory x = new([5], [0.1f, 0.7f, 1, 2.5f, 9]), y = new([5]), dy = new([5], [1, 1, 1, 1, 1]), dx = new([5]);
            backend.Unary(UnaryOp.Power, x.View, y.View, exponent);
            backend.UnaryBackward(UnaryOp.Power, x.View, y.View, dy.View, new Destination(dx.View), exponent);
            for (int i = 0; i < 5; i++)
            {
                // 4 ulp: at most three roundings after one of a library power.
                double expected = Math.Pow(x.Floats[i], exponent), slope = exponent * Math.Pow(x.Floats[i], exponent - 1);
                Assert.Equal(expected, y.Floats[i], 4 * 1.2e-7 * expected);
                Assert.Equal(slope, dx.Floats[i], 4 * 1.2e-7 * Math.Abs(slope));
            }
        }
    }

    private static void AssertValues(Backend backend, UnaryOp op, float[] inputs, float[] expected)
    {
        using GuardedMemory x = new([inputs.Length], inputs), y = new([inputs.Length]);
        backend.Unary(op, x.View, y.View, -1, 1);
        Assert.Equal(expected, y.Floats.ToArray());
    }

    private static void AssertGradients(Backend backend, UnaryOp op, float[] inputs, float[] expected)
    {
        using GuardedMemory x = new([inputs.Length], inputs), y = new([inputs.Length]), dy = new([inputs.Length]), dx = new([inputs.Length]);
        dy.Floats.Fill(1);
        backend.Unary(op, x.View, y.View, -1, 1);
        backend.UnaryBackward(op, x.View, y.View, dy.View, new Destination(dx.View), -1, 1);
        Assert.Equal(expected, dx.Floats.ToArray());
    }

    private static void AssertClose(UnaryOp op, float x, double expected, float actual, double scale)
    {
        // 2e-6 relative is 16 ulp: a function of at most 7 ulp and up to four more roundings, doubled where 1 - y² or x + b cancels.
        // The absolute part is the error of erf (3.1e-7) times |x|, which the tails of GELU keep while their values vanish.
        double limit = (2e-6 * Math.Abs(expected)) + (scale * 4e-7 * (1 + Math.Abs(x)));
        Assert.True(Math.Abs(expected - actual) <= limit, $"{op} at {x:G9}: {actual:G9}, expected {expected:G9} to {limit:G3}.");
    }

    private static (float A, float B) Constants(UnaryOp op) => op switch
    {
        UnaryOp.Affine => (1.7f, -0.3f),
        UnaryOp.Power => (2.3f, 0),
        UnaryOp.Clamp => (-1, 1),
        _ => (0, 0),
    };

    /// <summary>Values over the domain of the function, with exact zeros where it includes them.</summary>
    private static float[] Inputs(UnaryOp op)
    {
        bool positive = op is UnaryOp.Log or UnaryOp.Sqrt or UnaryOp.Rsqrt or UnaryOp.Power or UnaryOp.Reciprocal;
        Random random = new(7);
        float[] values = new float[Longest];
        for (int i = 0; i < Longest; i++)
            values[i] = positive ? 0.05f + (6 * random.NextSingle()) : i % 16 == 5 ? 0 : 12 * (random.NextSingle() - 0.5f);
        return values;
    }
}
