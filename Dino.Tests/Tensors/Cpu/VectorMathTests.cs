using System.Runtime.Intrinsics.X86;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>The transcendental functions over sweeps of all floats, against double precision.</summary>
public sealed unsafe class VectorMathTests
{
    // One float in 5003 of all 2^32 patterns: 858,000 arguments, every exponent with 1,600 mantissas. A prime, so that no low bits are left out.
    private const uint Step = 5003;

    public static TheoryData<Width> All => Widths.All;

    private static bool IsFused => Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported;

    [Theory, MemberData(nameof(All))]
    public void Exp_is_within_two_ulp(Width width) =>
        AssertUlp(Function.Exp, width, Math.Exp, -104f, 89f, IsFused ? 1 : 2);

    [Theory, MemberData(nameof(All))]
    public void Log_is_within_one_ulp(Width width) =>
        AssertUlp(Function.Log, width, Math.Log, float.Epsilon, float.MaxValue, 1);

    [Theory, MemberData(nameof(All))]
    public void Erf_is_within_five_ulp_up_to_two(Width width) =>
        // 1 ulp of approximation, four roundings each in numerator, denominator and their quotient, that add up at worst.
        AssertUlp(Function.Erf, width, ScalarReference.Erf, -2, 2, IsFused ? 5 : 6);

    /// <summary>The bounds of all floats, found by trying each; the places are those of the largest errors, with and without a fused multiply-add.</summary>
    [Theory, MemberData(nameof(All))]
    public void Erf_is_within_seven_ulp_beyond_two(Width width)
    {
        (double ulp, double limit) = IsFused ? (6.8, 4.0e-7) : (7.1, 4.2e-7);
        AssertUlp(Function.Erf, width, ScalarReference.Erf, 2, float.PositiveInfinity, ulp);
        AssertUlp(Function.Erf, width, ScalarReference.Erf, float.NegativeInfinity, -2, ulp);
        foreach (float x in (float[])[3.8001585f, -3.8001585f, 3.74668479f, -3.74668479f])
        {
            double error = Math.Abs(width switch { Width.Vec512 => Evaluate<Vec512>(Function.Erf, x), Width.Vec256 => Evaluate<Vec256>(Function.Erf, x), _ => Evaluate<Vec128>(Function.Erf, x) } - ScalarReference.Erf(x));
            Assert.InRange(error, 0, limit);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void Tanh_is_within_five_ulp(Width width) =>
        AssertUlp(Function.Tanh, width, Math.Tanh, float.NegativeInfinity, float.PositiveInfinity, IsFused ? 5 : 7);

    [Theory, MemberData(nameof(All))]
    public void Sigmoid_is_within_three_ulp(Width width) =>
        AssertUlp(Function.Sigmoid, width, ScalarReference.Sigmoid, -87f, float.PositiveInfinity, 3);

    [Theory, MemberData(nameof(All))]
    public void Gelu_is_exact_to_the_error_of_erf(Width width)
    {
        // |x|/2 times the absolute error of erf (3.1e-7), and two roundings of the result (or of x/2, where that is subnormal).
        AssertAbsolute(Function.Gelu, width, x => x * ScalarReference.Normal(x), x => (1.6e-7 * Math.Abs(x)) + (1.2e-7 * Math.Abs(x * ScalarReference.Normal(x))) + float.Epsilon);
        // Half the error of erf, half an ulp of 1 for the cumulative part, an ulp of the result, and 2 ulp of a density term of at most 0.24.
        AssertAbsolute(Function.GeluDerivative, width, x => ScalarReference.Derivative(Dino.Tensors.Backends.UnaryOp.Gelu, x, 0, 0), _ => 3.5e-7);
    }

    [Theory, MemberData(nameof(All))]
    public void Special_values_are_those_of_the_mathematics(Width width)
    {
        const float Inf = float.PositiveInfinity;
        AssertValues(Function.Exp, width, (0, 1), (-0f, 1), (-Inf, 0), (Inf, Inf), (89, Inf), (-104, 0), (-1e30f, 0), (float.NaN, float.NaN));
        AssertValues(Function.Log, width, (1, 0), (0, -Inf), (-0f, -Inf), (-1, float.NaN), (-Inf, float.NaN), (Inf, Inf), (float.NaN, float.NaN));
        AssertValues(Function.Erf, width, (0, 0), (-0f, -0f), (Inf, 1), (-Inf, -1), (4, 1), (-4, -1), (float.NaN, float.NaN));
        AssertValues(Function.Tanh, width, (0, 0), (-0f, -0f), (float.NaN, float.NaN));
        AssertValues(Function.Sigmoid, width, (0, 0.5f), (Inf, 1), (-Inf, 0), (float.NaN, float.NaN));
        AssertValues(Function.Gelu, width, (0, 0), (Inf, Inf), (10, 10), (-10, 0), (float.NaN, float.NaN));
        AssertValues(Function.GeluDerivative, width, (0, 0.5f), (20, 1), (-20, 0), (float.NaN, float.NaN));
    }

    [Fact]
    public void Subnormal_results_of_Exp_are_rounded_once()
    {
        foreach (float x in (float[])[-87.4f, -90f, -95.5f, -100f, -103f, -103.9f])
            Assert.Equal((float)Math.Exp(x), Evaluate<Vec512>(Function.Exp, x), float.Epsilon);
    }

    [Fact]
    public void All_widths_give_the_same_bits()
    {
        foreach (Function function in Enum.GetValues<Function>())
        {
            for (float x = -20; x < 20; x += 0.013f)
            {
                float y = Evaluate<Vec512>(function, x);
                Assert.Equal(y, Evaluate<Vec256>(function, x));
                Assert.Equal(y, Evaluate<Vec128>(function, x));
            }
        }
    }

    private enum Function
    {
        Exp,
        Log,
        Erf,
        Tanh,
        Sigmoid,
        Gelu,
        GeluDerivative,
    }

    private static void AssertUlp(Function function, Width width, Func<double, double> reference, float low, float high, double limit)
    {
        Sweep(function, width, low, high, (x, y) =>
        {
            double expected = reference(x);
            float nearest = (float)expected;
            // The unit in the last place of the correctly rounded result.
            double ulp = Math.Max((double)MathF.BitIncrement(MathF.Abs(nearest)) - MathF.Abs(nearest), float.Epsilon);
            if (float.IsInfinity(nearest) ? y != nearest : !(Math.Abs(y - expected) <= limit * ulp))
                Assert.Fail($"{function}({x:G9}) = {y:G9}, expected {expected:G9}: {Math.Abs(y - expected) / ulp:F2} ulp.");
        });
    }

    private static void AssertAbsolute(Function function, Width width, Func<double, double> reference, Func<double, double> limit)
    {
        Sweep(function, width, -40f, 40f, (x, y) =>
        {
            double expected = reference(x);
            if (!(Math.Abs(y - expected) <= limit(x)))
                Assert.Fail($"{function}({x:G9}) = {y:G9}, expected {expected:G9}, allowed error {limit(x):G3}.");
        });
    }

    private static void AssertValues(Function function, Width width, params (float X, float Y)[] values)
    {
        foreach ((float x, float y) in values)
            Assert.Equal(y, width switch { Width.Vec512 => Evaluate<Vec512>(function, x), Width.Vec256 => Evaluate<Vec256>(function, x), _ => Evaluate<Vec128>(function, x) });
    }

    private static float Evaluate<V>(Function function, float x) where V : struct, IVec<V>
    {
        float* y = stackalloc float[16];
        V.Store(Apply(function, V.Create(x)), y);
        return y[V.Count - 1];
    }

    private static V Apply<V>(Function function, V x) where V : struct, IVec<V> => function switch
    {
        Function.Exp => VectorMath<V>.Exp(x),
        Function.Log => VectorMath<V>.Log(x),
        Function.Erf => VectorMath<V>.Erf(x),
        Function.Tanh => VectorMath<V>.Tanh(x),
        Function.Sigmoid => VectorMath<V>.Sigmoid(x),
        Function.Gelu => VectorMath<V>.Gelu(x),
        _ => VectorMath<V>.GeluDerivative(x),
    };

    private static void Sweep(Function function, Width width, float low, float high, Action<float, float> check)
    {
        switch (width)
        {
            case Width.Vec512: Sweep<Vec512>(function, low, high, check); break;
            case Width.Vec256: Sweep<Vec256>(function, low, high, check); break;
            default: Sweep<Vec128>(function, low, high, check); break;
        }
    }

    private static void Sweep<V>(Function function, float low, float high, Action<float, float> check) where V : struct, IVec<V>
    {
        float* x = stackalloc float[16];
        float* y = stackalloc float[16];
        int lane = 0;
        for (ulong bits = 0; bits < 1UL << 32; bits += Step)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)bits);
            if (!(value >= low && value <= high))
                continue;
            x[lane++] = value;
            if (lane < V.Count)
                continue;
            V.Store(Apply(function, V.Load(x)), y);
            for (lane = 0; lane < V.Count; lane++)
                check(x[lane], y[lane]);
            lane = 0;
        }
    }
}
