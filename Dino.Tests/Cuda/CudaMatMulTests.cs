using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Products by the own kernels of a CUDA device against double precision: every precision, tile and way of storing operands.</summary>
public sealed class CudaMatMulTests
{
    public static TheoryData<CudaPrecision, int> Kernels => new()
    {
        { CudaPrecision.FP32, 32 }, { CudaPrecision.FP32, 64 }, { CudaPrecision.FP32, 128 },
        { CudaPrecision.TF32, 32 }, { CudaPrecision.TF32, 64 }, { CudaPrecision.TF32, 128 },
        { CudaPrecision.BF16, 32 }, { CudaPrecision.BF16, 64 }, { CudaPrecision.BF16, 128 },
    };

    // Sizes on both sides of every tile, lengths on both sides of a step, quads and no quads.
    [Theory, MemberData(nameof(Kernels))]
    public void Products_of_every_form_agree_with_double_precision(CudaPrecision precision, int tile)
    {
        using DeviceBed bed = new(precision: precision);
        (int M, int N, int K)[] sizes = [(1, 1, 1), (3, 17, 31), (tile - 1, tile + 1, 33), (tile + 4, 4, 16), (2, tile, 20)];
        for (int transposes = 0; transposes < 4; transposes++)
        {
            foreach ((int m, int n, int k) in sizes)
                AssertAgrees(bed, precision, new ProductPlan(tile, 1, Depth(k)), new GemmCase(m, n, k) { TransposeA = (transposes & 1) != 0, TransposeB = (transposes & 2) != 0 });
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Strides_factors_and_batches_are_kept(CudaPrecision precision, int tile)
    {
        using DeviceBed bed = new(precision: precision);
        GemmCase[] cases =
        [
            new(5, 9, 7) { PadA = 3, PadB = 1, PadY = 2, Alpha = 0.5f },
            new(8, 12, 20) { PadA = 4, PadB = 8, PadY = 4, Alpha = -2, Beta = 1 },
            new(33, 6, 4) { Beta = 0.25f, TransposeA = true },
            new(3, 5, 6) { Outer = 3, Inner = 2, TransposeB = true },
            new(4, 4, 8) { Outer = 2, Inner = 3, Beta = 1, SharedA = true },
            new(6, 5, 3) { Outer = 2, Inner = 2, SharedB = true },
            new(6, 5, 3) { Outer = 3, Inner = 2, SharedY = true, Beta = 1 },
            new(4, 3, 0) { Beta = 0.5f },
            new(4, 3, 0),
        ];
        foreach (GemmCase x in cases)
            AssertAgrees(bed, precision, new ProductPlan(tile, 1, Depth(x.K)), x);
    }

    // Parts of different length, results that are no quads, beta only once.
    [Theory, MemberData(nameof(Kernels))]
    public void Parts_of_the_summed_length_are_added_up(CudaPrecision precision, int tile)
    {
        using DeviceBed bed = new(precision: precision);
        AssertAgrees(bed, precision, new ProductPlan(tile, 3, 32), new GemmCase(9, 6, 70) { TransposeA = true, Beta = 1 });
        AssertAgrees(bed, precision, new ProductPlan(tile, 5, 16), new GemmCase(4, 8, 80) { Alpha = 0.5f, PadY = 4 });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Operands_need_not_be_aligned(int skew)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(skew, precision);
            for (int transposes = 0; transposes < 4; transposes++)
                AssertAgrees(bed, precision, null, new GemmCase(12, 20, 24) { TransposeA = (transposes & 1) != 0, TransposeB = (transposes & 2) != 0, Beta = 1 });
        }
    }

    // What the choice makes of them: tall, wide, deep, tiny.
    [Theory]
    [InlineData(197, 24, 16)]
    [InlineData(5, 300, 33)]
    [InlineData(7, 9, 1100)]
    [InlineData(65, 63, 100)]
    [InlineData(1, 1, 1)]
    public void Chosen_plans_agree_with_double_precision(int m, int n, int k)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            AssertAgrees(bed, precision, null, new GemmCase(m, n, k) { TransposeB = true });
        }
    }

    // 10 and 7 explicit digits: halves of the last one go away from zero in tf32, to an even digit in bf16.
    [Theory]
    [InlineData(CudaPrecision.FP32, 1.0 / (1 << 23), 1.0 / (1 << 23))]
    [InlineData(CudaPrecision.TF32, 1.0 / (1 << 12), 0)]
    [InlineData(CudaPrecision.TF32, 1.0 / (1 << 11), 1.0 / (1 << 10))]
    [InlineData(CudaPrecision.TF32, 1.0 / (1 << 10), 1.0 / (1 << 10))]
    [InlineData(CudaPrecision.BF16, 1.0 / (1 << 8), 0)]
    [InlineData(CudaPrecision.BF16, 3.0 / (1 << 8), 1.0 / (1 << 6))]
    [InlineData(CudaPrecision.BF16, 1.0 / (1 << 7), 1.0 / (1 << 7))]
    public void Operands_are_rounded_to_the_precision_asked_for(CudaPrecision precision, double added, double kept)
    {
        using DeviceBed bed = new(precision: precision);
        View a = bed.Write([(float)(1 + added)], [1, 1]), b = bed.Write([1], [1, 1]), y = bed.Take([1, 1]);
        bed.Backend.MatMul(MatMulArguments.Single(a.Address, b.Address, y.Address, 1, 1, 1));
        Assert.Equal((float)(1 + kept), bed.Read<float>(y)[0]);
        bed.Backend.MatMul(MatMulArguments.Single(b.Address, a.Address, y.Address, 1, 1, 1));
        Assert.Equal((float)(1 + kept), bed.Read<float>(y)[0]);
    }

    [Fact]
    public void A_warm_product_allocates_nothing()
    {
        using DeviceBed bed = new();
        KernelProblem problem = new("product", [Operand([64, 40]), Operand([40, 8]), Operand([64, 8])], (backend, x, _) =>
            backend.MatMul(MatMulArguments.Single(x[0].Address, x[1].Address, x[2].Address, 64, 8, 40)));
        Assert.Equal(0, bed.AllocatedBytes(problem));

        static Operand Operand(Shape shape) => new("x", Access.Input, shape, new float[shape.Count]);
    }

    private static int Depth(int k) => Math.Max(16, (k + 15) / 16 * 16);

    /// <param name="inner">Which of a, b and y lie in memory in BF16, by their names.</param>
    internal static void AssertAgrees(DeviceBed bed, CudaPrecision precision, ProductPlan? plan, GemmCase x, string inner = "")
    {
        using GemmData data = new(x);
        View a = bed.Write(data.A, [data.A.Length], Type('a')), b = bed.Write(data.B, [data.B.Length], Type('b')), y = bed.Write(data.ReadY(), [data.ReadY().Length], Type('y'));
        ((CudaBackend)bed.Backend).ForcedPlan = plan;
        bed.Backend.MatMul(data.Arguments with { A = a.Address, B = b.Address, Y = y.Address, TypeA = a.DType, TypeB = b.DType, TypeY = y.DType });
        float[] actual = bed.ReadValues(y);
        bed.Release();
        (double[] values, double[] magnitudes) = data.Expect();
        // Sums as on the CPU (see GemmBed); each of two operands is off by the unit roundoff of its format.
        double unit = (Math.Pow(2, -24) * (4 + (2 * Math.Sqrt(x.K))) * x.Outer * x.Inner) + OperandError(precision);
        // What y held is rounded when it is written there, then every sum that is left in it.
        if (y.DType == DType.BF16)
            unit += (1 + (x.Outer * x.Inner)) * ProblemBuilder.InnerUnit;
        for (int i = 0; i < actual.Length; i++)
        {
            bool agrees = double.IsNaN(values[i]) ? float.IsNaN(actual[i]) : Math.Abs(actual[i] - values[i]) <= (unit * magnitudes[i]) + 1e-30;
            Assert.True(agrees, $"{precision} {plan} {x} {inner}: element {i} is {actual[i]}, expected {values[i]}.");
        }

        DType Type(char operand) => inner.Contains(operand) ? DType.BF16 : DType.F32;
    }

    /// <summary>Relative error of a product of two rounded operands: (1 + u)² - 1.</summary>
    internal static double OperandError(CudaPrecision precision)
    {
        double unit = precision switch
        {
            CudaPrecision.TF32 => Math.Pow(2, -11),
            CudaPrecision.BF16 => Math.Pow(2, -8),
            _ => 0,
        };
        return (2 * unit) + (unit * unit);
    }
}
