using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Linear layers of a CUDA device against double precision, with and without everything they may have.</summary>
public sealed class CudaLinearTests
{
    public static TheoryData<int, int, int> Shapes => new() { { 1, 1, 1 }, { 6, 5, 33 }, { 33, 40, 20 }, { 66, 12, 300 }, { 3, 70, 0 } };

    [Theory, MemberData(nameof(Shapes))]
    public void Layers_agree_with_double_precision(int rows, int outputs, int inputs)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            for (int optional = 0; optional < 16; optional++)
            {
                foreach (Activation activation in Enum.GetValues<Activation>())
                    bed.AssertSolves(Problem(precision, rows, outputs, inputs, activation, optional));
            }
        }
    }

    [Fact]
    public void Operands_need_not_be_aligned()
    {
        using DeviceBed bed = new(skew: 1);
        bed.AssertSolves(Problem(CudaPrecision.FP32, 6, 8, 12, Activation.Gelu, 15));
    }

    [Fact]
    public void Relu_keeps_a_NaN()
    {
        using DeviceBed bed = new();
        View x = bed.Write([float.NaN], [1, 1]), weight = bed.Write([1], [1, 1]), y = bed.Take([1, 1]);
        bed.Backend.Linear(x, weight, View.None, Activation.Relu, View.None, y);
        Assert.True(float.IsNaN(bed.Read<float>(y)[0]));
    }

    [Fact]
    public void A_warm_layer_allocates_nothing()
    {
        using DeviceBed bed = new();
        Assert.Equal(0, bed.AllocatedBytes(Problem(CudaPrecision.FP32, 6, 8, 600, Activation.Gelu, 15)));
    }

    /// <param name="optional">Bits: bias, pre-activation, residual, factors.</param>
    /// <param name="roundedFirst">Unit roundoff of the type in which the bias is added and the sum is left for the activation.</param>
    /// <param name="inner">Operands in BF16.</param>
    internal static KernelProblem Problem(CudaPrecision precision, int rows, int outputs, int inputs, Activation activation, int optional, double roundedFirst = 0, params string[] inner)
    {
        ProblemBuilder problem = new($"linear {precision} [{rows}, {outputs}, {inputs}] {activation} {optional:b4} {string.Join(' ', inner)}", rows + (outputs * 7) + (inputs * 31), inner);
        (bool hasBias, bool keeps, bool hasResidual, bool hasFactors) = ((optional & 1) != 0, (optional & 2) != 0, (optional & 4) != 0, (optional & 8) != 0);
        int runs = rows % 3 == 0 ? rows / 3 : rows;
        float[] x = problem.Normal("x", [rows, inputs]), weight = problem.Normal("weight", [outputs, inputs]);
        float[] bias = problem.Normal("bias", [outputs]), residual = problem.Normal("residual", [rows, outputs]), factors = problem.Normal("factors", [runs]);
        (double[] sums, double[] bounds) = (new double[rows * outputs], new double[rows * outputs]);
        for (int i = 0; i < sums.Length; i++)
        {
            double sum = 0, magnitude = 0;
            for (int k = 0; k < inputs; k++)
            {
                double term = (double)x[(i / outputs * inputs) + k] * weight[(i % outputs * inputs) + k];
                (sum, magnitude) = (sum + term, magnitude + Math.Abs(term));
            }

            double added = hasBias ? bias[i % outputs] : 0;
            // As in CudaMatMulTests.
            bounds[i] = (ProblemBuilder.Unit * (magnitude + Math.Abs(added)) * (4 + (2 * Math.Sqrt(inputs)))) + (CudaMatMulTests.OperandError(precision) * magnitude);
            sums[i] = sum + added;
            bounds[i] += roundedFirst * (Math.Abs(added) + Math.Abs(sums[i]) + bounds[i]);
        }

        double Factor(int i) => hasFactors ? factors[i / outputs / (rows / runs)] : 1;
        problem.Output(
            "y", [rows, outputs], i => (hasResidual ? residual[i] : 0) + (Factor(i) * Apply(activation, sums[i])),
            // Slopes of the activations are below 1.13; the error function is off by 3.1e-7; the sum and the factor round.
            i => (Math.Abs(Factor(i)) * ((1.13 * bounds[i]) + (3.2e-7 * Math.Abs(sums[i])))) + (ProblemBuilder.Unit * 4 * (Math.Abs(residual[i]) + Math.Abs(Factor(i) * sums[i]))));
        if (keeps)
            problem.Output("preActivation", [rows, outputs], i => sums[i], i => bounds[i]);
        return problem.Build((backend, v, _) => backend.Linear(
            v[0], v[1], hasBias ? v[2] : View.None, activation, keeps ? v[6] : View.None, v[5], hasResidual ? v[3] : View.None, hasFactors ? v[4] : View.None));
    }

    private static double Apply(Activation activation, double x) => activation switch
    {
        Activation.Gelu => x / 2 * (1 + ScalarReference.Erf(x / Math.Sqrt(2))),
        Activation.Relu => Math.Max(x, 0),
        _ => x,
    };
}
