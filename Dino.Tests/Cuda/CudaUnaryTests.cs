using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Functions of one operand on a CUDA device: lengths, alignments, special values, accuracy.</summary>
public sealed class CudaUnaryTests
{
    private const float NaN = float.NaN, Inf = float.PositiveInfinity;

    private static readonly int[] Lengths = [0, 1, 3, 4, 5, 31, 32, 33, 255, 256, 257, 1027];

    private static readonly float[] SpecialValues =
        [0, -0f, 1, -1, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 20, 20.5f, -20.5f, 87, -87, 89, -89, 3.95f, -3.95f, 1e30f, -1e30f, 1e-30f, Inf, -Inf, NaN, 2, 3, 4e9f];

    public static TheoryData<UnaryOp> Operations => new(Enum.GetValues<UnaryOp>());

    [Theory, MemberData(nameof(Operations))]
    public void Every_length_and_alignment_agrees_with_the_CPU(UnaryOp op)
    {
        using ComparedBackends both = new();
        (float a, float b) = Constants(op);
        foreach (int n in Lengths)
        {
            foreach (int offset in (int[])[0, 1])
            {
                Contents x = Domain(op, n, offset), y = Contents.Unwritten([n], offset);
                both.AssertAgree($"{op} of {n}", [x, y], (backend, v) => backend.Unary(op, v[0], v[1], a, b), Close(1));
                both.AssertAgree($"{op} of {n} in place", [x], (backend, v) => backend.Unary(op, v[0], v[0], a, b), Close(1));
            }
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Every_length_and_alignment_of_the_gradient_agrees_with_the_CPU(UnaryOp op)
    {
        using ComparedBackends both = new();
        (float a, float b) = Constants(op);
        foreach (int n in Lengths)
        {
            foreach (int offset in (int[])[0, 2])
            {
                Contents x = Domain(op, n, offset), y = Contents.Unwritten([n], offset), dy = Contents.Uniform([n], 3, 0.5f, 4, offset), dx = Contents.Quarters([n], 4, offset);
                both.AssertAgree($"gradient of {op} over {n}", [x, y, dy, dx], (backend, v) => Backward(backend, v, v[3], false), Close(4));
                both.AssertAgree($"gradient of {op} over {n}, accumulating", [x, y, dy, dx], (backend, v) => Backward(backend, v, v[3], true), Close(10));
                both.AssertAgree($"gradient of {op} over {n} in place", [x, y, dy], (backend, v) => Backward(backend, v, v[2], false), Close(4));
            }
        }

        void Backward(Backend backend, View[] v, View dx, bool accumulate)
        {
            backend.Unary(op, v[0], v[1], a, b);
            backend.UnaryBackward(op, v[0], v[1], v[2], new Destination(dx, accumulate), a, b);
            backend.UnaryBackward(op, v[0], v[1], v[2], Destination.None, a, b);
        }
    }

    [Theory, MemberData(nameof(Operations))]
    public void Special_values_are_those_of_the_CPU(UnaryOp op)
    {
        using ComparedBackends both = new();
        (float a, float b) = Constants(op);
        Contents x = Contents.Of([SpecialValues.Length], SpecialValues), y = Contents.Unwritten([SpecialValues.Length]);
        both.AssertAgree($"{op}", [x, y], (backend, v) => backend.Unary(op, v[0], v[1], a, b), Close(1));
        Contents dy = Contents.Of([SpecialValues.Length], [.. SpecialValues.Select(_ => 1f)]), dx = Contents.Unwritten([SpecialValues.Length]);
        both.AssertAgree($"gradient of {op}", [x, y, dy, dx], (backend, v) =>
        {
            backend.Unary(op, v[0], v[1], a, b);
            backend.UnaryBackward(op, v[0], v[1], v[2], new Destination(v[3]), a, b);
        }, Close(1));
    }

    [Fact]
    public void Every_exponent_agrees_with_the_CPU()
    {
        using ComparedBackends both = new();
        float[] bases = [.. SpecialValues, 0.1f, 0.7f, 9, 1.0001f];
        foreach (float exponent in (float[])[0, 1, 2, 3, 4, 5, 0.5f, -0.5f, -1, -2, -3, 1.7f, 0.25f, -1.3f, 33, 40.5f, Inf, -Inf])
        {
            Contents x = Contents.Of([bases.Length], bases), y = Contents.Unwritten([bases.Length]), dy = Contents.Uniform([bases.Length], 3, 1, 2), dx = Contents.Quarters([bases.Length], 5);
            // A power is rounded once on the device, and to less than an ulp by the library of the CPU.
            both.AssertAgree($"exponent {exponent}", [x, y], (backend, v) => backend.Unary(UnaryOp.Power, v[0], v[1], exponent), Within(2));
            both.AssertAgree($"gradient for exponent {exponent}", [x, y, dy, dx], (backend, v) =>
            {
                backend.Unary(UnaryOp.Power, v[0], v[1], exponent);
                backend.UnaryBackward(UnaryOp.Power, v[0], v[1], v[2], new Destination(v[3]), exponent);
            }, Within(4));
        }
    }

    [Fact]
    public void Arithmetic_is_that_of_the_CPU_to_the_bit()
    {
        using ComparedBackends both = new();
        foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Abs, UnaryOp.Sqrt, UnaryOp.Rsqrt, UnaryOp.Reciprocal, UnaryOp.Square, UnaryOp.Relu, UnaryOp.Clamp])
        {
            Contents x = Contents.Uniform([1001], 1, 0.1f, 3), y = Contents.Unwritten([1001]), dy = Contents.Uniform([1001], 2, -2, 2), dx = Contents.Uniform([1001], 3, -2, 2);
            both.AssertEqual($"{op}", [x, y, dy, dx], (backend, v) =>
            {
                backend.Unary(op, v[0], v[1], 1.7f, -0.3f);
                backend.UnaryBackward(op, v[0], v[1], v[2], new Destination(v[3], true), 1.7f, -0.3f);
            });
        }
    }

    [Fact]
    public void Exp_and_log_are_within_an_ulp_and_the_others_within_six()
    {
        using ComparedBackends both = new();
        AssertUlp(both.Cuda, UnaryOp.Exp, Math.Exp, -87.3f, 88.7f, 1);
        AssertUlp(both.Cuda, UnaryOp.Log, Math.Log, 1.2e-38f, float.MaxValue, 1);
        // A tenth of an ulp more than on the CPU, for the quotient.
        AssertUlp(both.Cuda, UnaryOp.Erf, ScalarReference.Erf, -10, 10, 6);
        AssertUlp(both.Cuda, UnaryOp.Tanh, Math.Tanh, -10, 10, 6);
        AssertUlp(both.Cuda, UnaryOp.Sigmoid, ScalarReference.Sigmoid, -87, 30, 3);
        AssertUlp(both.Cuda, UnaryOp.Softplus, x => ScalarReference.Unary(UnaryOp.Softplus, x, 0, 0), -15, 30, 4);
    }

    /// <summary>Floats of every exponent within the limits, 30,000 at most.</summary>
    private static void AssertUlp(Backend backend, UnaryOp op, Func<double, double> reference, float low, float high, double limit)
    {
        // A prime, so that no low bits are left out.
        const uint Step = 150_001;
        List<float> arguments = [];
        for (ulong bits = 0; bits < 1UL << 32; bits += Step)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            if (x >= low && x <= high && !float.IsSubnormal(x))
                arguments.Add(x);
        }

        float[] results = Apply(backend, op, [.. arguments]);
        for (int i = 0; i < results.Length; i++)
        {
            double expected = reference(arguments[i]);
            float nearest = MathF.Abs((float)expected);
            double ulp = (double)MathF.BitIncrement(nearest) - nearest, error = Math.Abs(results[i] - expected);
            // Subnormal results are 0.
            if (!(error <= limit * ulp || (float.IsSubnormal(nearest) && results[i] == 0)))
                Assert.Fail($"{op}({arguments[i]:G9}) = {results[i]:G9}, expected {expected:G9}: {error / ulp:F2} ulp.");
        }
    }

    private static float[] Apply(Backend backend, UnaryOp op, float[] x)
    {
        View view = new(backend.Allocate(x.Length * sizeof(float)), DType.F32, [x.Length]);
        float[] y = new float[x.Length];
        backend.Upload(MemoryMarshal.AsBytes(x.AsSpan()), view);
        backend.Unary(op, view, view);
        backend.Download(view, MemoryMarshal.AsBytes(y.AsSpan()));
        backend.Free(view.Address, view.Bytes);
        return y;
    }

    /// <summary>
    /// The same polynomials on both devices: 1e-6 relative, or 8 ulp, for an exponential that takes another path and for quotients, and half of that again where 1 - y²
    /// or the tail of GELU cancels.
    /// </summary>
    private static Func<float, float, bool> Close(float scale) => (expected, actual) =>
        expected == actual || Math.Abs((double)expected - actual) <= (1e-6 * Math.Abs(expected)) + (5e-7 * scale);

    /// <summary>Numbers of the size of the smallest normal one may stem from a factor that is subnormal, hence 0 on the device.</summary>
    private static Func<float, float, bool> Within(int ulp) => (expected, actual) =>
        expected == actual || Math.Abs((double)expected - actual) <= (ulp * ((double)MathF.BitIncrement(MathF.Abs(expected)) - MathF.Abs(expected))) + (4 * 1.2e-38);

    private static (float A, float B) Constants(UnaryOp op) => op switch
    {
        UnaryOp.Affine => (1.7f, -0.3f),
        UnaryOp.Power => (2.3f, 0),
        UnaryOp.Clamp => (-1, 1),
        _ => (0, 0),
    };

    private static Contents Domain(UnaryOp op, int n, int offset)
    {
        bool isPositive = op is UnaryOp.Log or UnaryOp.Sqrt or UnaryOp.Rsqrt or UnaryOp.Power or UnaryOp.Reciprocal;
        return isPositive ? Contents.Uniform([n], 7, 0.5f, 6, offset) : Contents.Uniform([n], 7, -6, 6, offset);
    }
}
