using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>What a CUDA device that multiplies in BF16 keeps in it: operands hold brain floats, results are rounded to them once.</summary>
public sealed class CudaInnerTests
{
    private static DType[] Types { get; } = [DType.F32, DType.BF16];

    public static TheoryData<int> Tiles => [32, 64, 128];

    [Fact]
    public void The_inner_type_is_that_of_products()
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            Assert.Equal(precision == CudaPrecision.BF16 ? DType.BF16 : DType.F32, bed.Backend.InnerType);
        }
    }

    // Sizes on both sides of a tile and of a step, quads and no quads, every way of storing, every choice of types.
    [Theory, MemberData(nameof(Tiles))]
    public void Products_agree_with_double_precision(int tile)
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16), skewed = new(1, CudaPrecision.BF16);
        foreach (string inner in (string[])["a", "b", "ab", "y", "aby"])
        {
            for (int transposes = 0; transposes < 4; transposes++)
            {
                (bool a, bool b) = ((transposes & 1) != 0, (transposes & 2) != 0);
                AssertAgrees(bed, tile, new GemmCase(3, 17, 31) { TransposeA = a, TransposeB = b }, inner);
                AssertAgrees(bed, tile, new GemmCase(tile + 4, tile - 4, 36) { TransposeA = a, TransposeB = b, Beta = 1 }, inner);
                AssertAgrees(skewed, tile, new GemmCase(12, 20, 24) { TransposeA = a, TransposeB = b, Beta = 1 }, inner);
            }

            AssertAgrees(bed, tile, new GemmCase(8, 12, 20) { PadA = 4, PadB = 8, PadY = 4, Alpha = -2, Beta = 1 }, inner);
            AssertAgrees(bed, tile, new GemmCase(3, 5, 6) { Outer = 3, Inner = 2, TransposeB = true }, inner);
            AssertAgrees(bed, tile, new GemmCase(6, 5, 3) { Outer = 3, Inner = 2, SharedY = true, Beta = 1 }, inner);
            AssertAgrees(bed, tile, new GemmCase(4, 3, 0) { Beta = 0.5f }, inner);
            CudaMatMulTests.AssertAgrees(bed, CudaPrecision.BF16, new ProductPlan(tile, 3, 32), new GemmCase(9, 8, 70) { TransposeA = true, Beta = 1 }, inner);
        }

        static void AssertAgrees(DeviceBed bed, int tile, GemmCase x, string inner) =>
            CudaMatMulTests.AssertAgrees(bed, CudaPrecision.BF16, new ProductPlan(tile, 1, Math.Max(16, (x.K + 15) / 16 * 16)), x, inner);
    }

    [Fact]
    public void Products_of_brain_floats_round_once_and_to_even()
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16);
        // 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3 · 2^-8 between that and 1 + 2^-6.
        View a = bed.Write([1, 1f / 256, 1, 3f / 256], [2, 2], DType.BF16), b = bed.Write([1, 1], [2, 1], DType.BF16), y = bed.Take([2, 1], DType.BF16);
        bed.Backend.MatMul(MatMulArguments.Single(a.Address, b.Address, y.Address, 2, 1, 2) with { TypeA = DType.BF16, TypeB = DType.BF16, TypeY = DType.BF16 });
        Assert.Equal([1, 1 + (1f / 64)], bed.ReadValues(y));
    }

    [Theory, InlineData(1, 1, 1), InlineData(6, 5, 33), InlineData(33, 40, 24), InlineData(3, 70, 0)]
    public void Linear_layers_agree_with_double_precision(int rows, int outputs, int inputs)
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16), skewed = new(1, CudaPrecision.BF16);
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            for (int optional = 0; optional < 4; optional++)
            {
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, rows, outputs, inputs, activation, optional, 0, "x", "y", "preActivation"));
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, rows, outputs, inputs, activation, optional, 0, "y"));
            }

            bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, rows, outputs, inputs, activation, 13, 0, "x"));
            skewed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, rows, outputs, inputs, activation, 3, 0, "x", "y", "preActivation"));
        }
    }

    // Formats that round the weight are granted its rounding: the bound is that of products of rounded operands, and 8-bit integers are off by half a step of 127.
    [Theory, InlineData(WeightFormat.F32, 0), InlineData(WeightFormat.BF16, 0), InlineData(WeightFormat.I8, 1.0 / 64)]
    public void Packed_layers_agree_with_the_cpu(WeightFormat format, double formatError)
    {
        const int Rows = 7, Outputs = 12, Inputs = 40;
        ProblemBuilder problem = new("packed", 5, "x");
        float[] x = problem.Normal("x", [Rows, Inputs]), weight = problem.Normal("weight", [Outputs, Inputs]), bias = problem.Normal("bias", [Outputs]), residual = problem.Normal("residual", [Rows, Outputs]);
        using DeviceBed bed = new(precision: CudaPrecision.BF16);
        foreach (DType typeX in Types)
        {
            foreach (DType typeY in Types)
            {
                View packedMemory = bed.Take([checked((int)bed.Backend.PackedBytes(format, Outputs, Inputs))], DType.U8);
                PackedView packed = new(packedMemory.Address, format, Outputs, Inputs);
                bed.Backend.Pack(bed.Write(weight, [Outputs, Inputs]), packed);
                View y = bed.Write(default, [Rows, Outputs], typeY), added = typeY == DType.F32 ? bed.Write(residual, [Rows, Outputs]) : View.None;
                bed.Backend.PackedLinear(bed.Write(x, [Rows, Inputs], typeX), packed, bed.Write(bias, [Outputs]), Activation.Relu, added, y);
                float[] actual = bed.ReadValues(y);
                for (int i = 0; i < actual.Length; i++)
                {
                    double sum = bias[i % Outputs], magnitude = Math.Abs(sum), largest = 0;
                    for (int k = 0; k < Inputs; k++)
                    {
                        double term = (double)x[(i / Outputs * Inputs) + k] * weight[(i % Outputs * Inputs) + k];
                        (sum, magnitude, largest) = (sum + term, magnitude + Math.Abs(term), largest + Math.Abs(x[(i / Outputs * Inputs) + k]) + Math.Abs(weight[(i % Outputs * Inputs) + k]));
                    }

                    double expected = Math.Max(sum, 0) + (typeY == DType.F32 ? residual[i] : 0);
                    double bound = (CudaMatMulTests.OperandError(CudaPrecision.BF16) * magnitude) + (formatError * 4 * largest) + (20 * ProblemBuilder.Unit * magnitude);
                    bound += typeY == DType.F32 ? 4 * ProblemBuilder.Unit * Math.Abs(expected) : ProblemBuilder.InnerUnit * (expected + bound);
                    Assert.True(Math.Abs(actual[i] - expected) <= bound, $"{format} {typeX} {typeY}: {actual[i]}, expected {expected}, bound {bound}.");
                }

                bed.Release();
            }
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void Layer_norms_agree_with_double_precision(int skew)
    {
        using DeviceBed bed = new(skew, CudaPrecision.BF16);
        foreach ((int rows, int columns) in new[] { (3, 1), (3, 7), (5, 32), (70, 132), (3, 384), (2, 1000), (3, 1024), (2, 1028), (2, 4097), (2, 4100), (599, 17) })
        {
            foreach (bool affine in new[] { true, false })
            {
                bed.AssertSolves(NormProblems.LayerNorm(rows, columns, affine, inner: "y"));
                bed.AssertSolves(NormProblems.LayerNormBackward(rows, columns, affine, inner: "dy"));
            }
        }
    }

    [Theory, MemberData(nameof(CudaAttentionTests.Shapes), MemberType = typeof(CudaAttentionTests))]
    public void Attention_agrees_with_double_precision(int batch, int tokens, int heads, int depth)
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16);
        AttentionProblems problems = new(batch, tokens, heads, depth, operandError: CudaMatMulTests.OperandError(CudaPrecision.BF16), isInner: true);
        bed.AssertSolves(problems.Forward(withProbabilities: false));
        bed.AssertSolves(problems.Forward(withProbabilities: true));
        bed.AssertSolves(problems.Backward());
    }

    // No boundary of 16 bytes; and heads for which there is no kernel.
    [Theory, InlineData(1, 19, 24), InlineData(3, 9, 24), InlineData(0, 9, 130), InlineData(1, 9, 130)]
    public void Attention_need_not_be_aligned(int skew, int tokens, int depth)
    {
        using DeviceBed bed = new(skew, CudaPrecision.BF16);
        AttentionProblems problems = new(1, tokens, 2, depth, operandError: CudaMatMulTests.OperandError(CudaPrecision.BF16), isInner: true);
        bed.AssertSolves(problems.Forward(withProbabilities: true));
        bed.AssertSolves(problems.Backward());
    }

    // All 2^16 brain floats, and lengths that are no multiple of 8.
    [Theory, InlineData(UnaryOp.Gelu, 0), InlineData(UnaryOp.Relu, 0), InlineData(UnaryOp.Gelu, 1), InlineData(UnaryOp.Relu, 1)]
    public void Activations_agree_with_the_cpu(UnaryOp op, int skew)
    {
        using DeviceBed bed = new(skew, CudaPrecision.BF16);
        using Device cpu = Devices.Create("cpu-256");
        using DeviceBed reference = new(cpu);
        foreach (int count in skew == 0 ? [65536, 13, 8, 1] : (int[])[1031])
        {
            // Numbers below 2^-126 and what becomes of them count as 0 on the device.
            float[] x = [.. Enumerable.Range(0, count).Select(i => BitConverter.UInt32BitsToSingle((uint)(i * (65536 / count)) << 16)).Select(value => float.IsSubnormal(value) ? 0 : value)];
            float[] dy = [.. Enumerable.Range(0, count).Select(i => ((i % 17) - 8) / 8f)], before = [.. Enumerable.Range(0, count).Select(i => ((i % 5) - 2) / 4f)];
            float[][] expected = Solve(reference, DType.F32, DType.F32), actual = Solve(bed, DType.BF16, DType.BF16);
            for (int k = 0; k < expected.Length; k++)
            {
                for (int i = 0; i < count; i++)
                {
                    (float truth, float found) = (expected[k][i], actual[k][i]);
                    // One rounding; the error function is off by up to 3.2e-7, the y that a gradient may read has no other sign than that of the CPU.
                    double slack = (ProblemBuilder.InnerUnit * Math.Abs((double)truth)) + (4e-7 * (1 + (float.IsFinite(x[i]) ? Math.Abs((double)x[i]) : 0))) + 2e-38;
                    // The largest brain float is below the largest float: what is nearer to the next power of two becomes infinite.
                    bool agrees = float.IsNaN(truth) ? float.IsNaN(found) : truth == found || Math.Abs((double)found - truth) <= slack || (Math.Abs(truth) > 3.39e38 && float.IsInfinity(found));
                    Assert.True(agrees, $"{op} {k} of {x[i]:G9}: {found:G9}, on the CPU {truth:G9}.");
                }
            }

            float[][] Solve(DeviceBed bed, DType type, DType result)
            {
                View vx = bed.Write(x, [count], type), y = bed.Write(default, [count], result), vdy = bed.Write(dy, [count], type), dx = bed.Write(default, [count], result), sum = bed.Write(before, [count], result);
                bed.Backend.Unary(op, vx, y);
                bed.Backend.UnaryBackward(op, vx, y, vdy, new Destination(dx));
                bed.Backend.UnaryBackward(op, vx, y, vdy, new Destination(sum, true));
                float[][] results = [bed.ReadValues(y), bed.ReadValues(dx), bed.ReadValues(sum)];
                bed.Release();
                return results;
            }
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void Sums_agree_with_double_precision(int skew)
    {
        using DeviceBed bed = new(skew, CudaPrecision.BF16);
        foreach ((int outer, int n, int inner) in new[]
                 {
                     (1, 0, 3), (1, 1, 1), (3, 31, 5), (300, 2048, 1), (5, 2049, 1), (2, 8193, 1), (1, 33, 128), (3, 129, 70), (1, 1000, 132), (1, 1100, 384), (1, 4200, 5), (1, 9, 64), (2, 1030, 3),
                 })
            CudaReduceTests.AssertAgrees(bed, ReduceOp.Sum, outer, n, inner, DType.BF16);
    }

    [Fact]
    public void What_a_kernel_does_not_take_is_refused()
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16), exact = new();
        View half = bed.Take([4, 8], DType.BF16), whole = bed.Take([4, 8]), row = bed.Take([8]), rows = bed.Take([4]), qkv = bed.Take([1, 4, 3, 1, 8], DType.BF16), sums = bed.Take([1, 1, 4]);
        Backend backend = bed.Backend;
        Refuses(() => backend.Unary(UnaryOp.Exp, half, half));
        Refuses(() => backend.Unary(UnaryOp.Gelu, half, whole));
        Refuses(() => backend.Unary(UnaryOp.Gelu, whole, half));
        Refuses(() => backend.UnaryBackward(UnaryOp.Gelu, whole, half, half, new Destination(half)));
        Refuses(() => backend.UnaryBackward(UnaryOp.Gelu, half, half, half, new Destination(whole)));
        Refuses(() => backend.UnaryBackward(UnaryOp.Gelu, half, half, whole, new Destination(whole)));
        Refuses(() => backend.Binary(BinaryOp.Add, whole, half, whole, Broadcast.None));
        Refuses(() => backend.Axpby(1, half, 1, half));
        Refuses(() => backend.Axpby(1, half, 0, whole));
        Refuses(() => backend.Reduce(ReduceOp.Max, half.As([1, 4, 8]), new Destination(row)));
        Refuses(() => backend.ArgReduce(true, half.As([4, 8, 1]), bed.Take([4], DType.I32)));
        Refuses(() => backend.Softmax(half, half));
        Refuses(() => backend.LayerNorm(half, View.None, View.None, 1e-6f, half, rows, rows));
        Refuses(() => backend.LayerNormBackward(whole, View.None, rows, rows, half, new Destination(half), Destination.None, Destination.None));
        Refuses(() => backend.Linear(whole, bed.Take([8, 8], DType.F16), View.None, Activation.Identity, View.None, whole));
        Refuses(() => backend.Linear(whole, bed.Take([8, 8]), View.None, Activation.Identity, View.None, half, whole));
        Refuses(() => backend.Attention(qkv, 1, whole, sums, View.None));
        Refuses(() => backend.AttentionBackward(qkv, 1, half, sums, whole, new Destination(qkv)));
        View unknown = exact.Take([4, 8], DType.BF16), known = exact.Take([8, 8]);
        Refuses(() => exact.Backend.Linear(unknown, known, View.None, Activation.Identity, View.None, exact.Take([4, 8])));
        Refuses(() => exact.Backend.MatMul(MatMulArguments.Single(known.Address, known.Address, known.Address, 8, 8, 8) with { TypeA = DType.BF16 }));
        Refuses(() => exact.Backend.Unary(UnaryOp.Gelu, unknown, unknown));

        static void Refuses(Action work) => Assert.Throws<NotSupportedException>(work);
    }

    [Fact]
    public void Warm_calls_allocate_nothing()
    {
        using DeviceBed bed = new(precision: CudaPrecision.BF16);
        Assert.Equal(0, bed.AllocatedBytes(CudaLinearTests.Problem(CudaPrecision.BF16, 6, 8, 600, Activation.Gelu, 3, 0, "x", "y", "preActivation")));
        Assert.Equal(0, bed.AllocatedBytes(NormProblems.LayerNorm(3, 16, true, inner: "y")));
        Assert.Equal(0, bed.AllocatedBytes(NormProblems.LayerNormBackward(3, 16, true, inner: "dy")));
        AttentionProblems problems = new(1, 5, 2, 16, isInner: true);
        Assert.Equal(0, bed.AllocatedBytes(problems.Forward(withProbabilities: true)));
        Assert.Equal(0, bed.AllocatedBytes(problems.Backward()));
        View half = bed.Take([9, 40], DType.BF16), row = bed.Take([1, 40]);
        Run();
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            bed.Backend.Unary(UnaryOp.Gelu, half, half);
            bed.Backend.UnaryBackward(UnaryOp.Gelu, half, half, half, new Destination(half));
            bed.Backend.Reduce(ReduceOp.Sum, half.As([1, 9, 40]), new Destination(row));
        }
    }
}
