using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Products by cuBLASLt: what it is asked for, and what is left to the own kernels.</summary>
public sealed class CublasLtTests
{
    [Fact]
    public void Products_of_every_form_agree_with_double_precision()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library));
        for (int transposes = 0; transposes < 4; transposes++)
        {
            GemmCase[] cases =
            [
                new(3, 5, 7), new(1, 1, 1), new(4, 8, 12) { Beta = 1 }, new(5, 6, 4) { PadA = 3, PadB = 1, PadY = 2, Alpha = 0.5f, Beta = -2 },
                new(3, 4, 6) { Outer = 4 }, new(3, 4, 6) { Inner = 3, Beta = 1 }, new(2, 3, 4) { Outer = 2, Inner = 3 }, new(2, 3, 4) { Outer = 3, SharedA = true },
                new(2, 3, 4) { Outer = 3, SharedY = true, Beta = 1 },
            ];
            foreach (GemmCase x in cases)
            {
                int before = library.Calls;
                CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, x with { TransposeA = (transposes & 1) != 0, TransposeB = (transposes & 2) != 0 });
                Assert.Equal(before + (x.SharedY ? x.Outer : 1), library.Calls);
            }
        }
    }

    // Batches with two strides, and rows that overlap.
    [Fact]
    public void What_the_library_cannot_express_is_computed_by_the_own_kernels()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library));
        CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(2, 3, 0) { Beta = 1 });
        View qkv = bed.Write([.. Enumerable.Range(0, 2 * 5 * 24).Select(i => i / 16f)], [2, 5, 3, 2, 4]), scores = bed.Take([2, 2, 5, 5]);
        Backend.PackedHeads heads = new(qkv, new View(0, DType.F32, [2, 5, 8]), new View(0, DType.F32, [2, 2, 5]), scores);
        bed.Backend.MatMul(heads.Score(qkv.Address, heads.Key(qkv), heads.Stride, 1, scores.Address));
        Assert.DoesNotContain(float.NaN, bed.Read<float>(scores));
        View x = bed.Write([1, 2, 3, 4, 5], [5]), y = bed.Take([3, 1]), one = bed.Write([1, 1, 1], [3]);
        bed.Backend.MatMul(MatMulArguments.Single(x.Address, one.Address, y.Address, 3, 1, 3) with { StrideA = 1 });
        Assert.Equal([6f, 9f, 12f], bed.Read<float>(y));
        Assert.Equal(0, library.Calls);
    }

    [Theory]
    [InlineData(CudaPrecision.FP32, CublasCompute.F32, false)]
    [InlineData(CudaPrecision.TF32, CublasCompute.FastTF32, false)]
    [InlineData(CudaPrecision.BF16, CublasCompute.F32, true)]
    public void The_precision_is_asked_for(CudaPrecision precision, object compute, bool areOperandsHalf)
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library, precision));
        CudaMatMulTests.AssertAgrees(bed, precision, null, new GemmCase(2, 3, 4));
        Assert.Equal(((int)(CublasCompute)compute, areOperandsHalf), (library.Compute, library.AreOperandsHalf));
    }

    [Fact]
    public void Addresses_have_the_alignment_that_was_promised()
    {
        foreach (int skew in (int[])[1, 2, 3])
        {
            FakeCublasLt library = new();
            using DeviceBed bed = new(CublasLtHost.Open(library), skew);
            CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(4, 8, 4) { Beta = 1 });
            Assert.Equal(1, library.Calls);
        }
    }

    [Fact]
    public void An_algorithm_is_chosen_once_for_a_shape_and_nothing_is_allocated_when_warm()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library));
        KernelProblem problem = new("product", [Operand([6, 4]), Operand([4, 8]), Operand([6, 8])], (backend, x, _) =>
            backend.MatMul(MatMulArguments.Single(x[0].Address, x[1].Address, x[2].Address, 6, 8, 4)));
        bed.Solve(problem);
        Assert.Equal(0, bed.AllocatedBytes(problem));
        Assert.Equal(1, library.Choices);

        static Operand Operand(Shape shape) => new("x", Access.Input, shape, new float[shape.Count]);
    }

    // Not supported, an invalid value, and a library without code for the device's architecture.
    [Theory, InlineData(15), InlineData(7), InlineData(8)]
    public void Shapes_without_an_algorithm_go_to_the_own_kernels(int refusal)
    {
        FakeCublasLt library = new() { Supports = rows => rows > 3, Refusal = refusal };
        using DeviceBed bed = new(CublasLtHost.Open(library));
        CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(3, 8, 4));
        CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(3, 8, 4));
        Assert.Equal((0, 1), (library.Calls, library.Choices));
        CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(4, 8, 4));
        Assert.Equal(1, library.Calls);
    }

    [Fact]
    public void Linear_layers_agree_with_double_precision()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library));
        int layers = 0;
        for (int optional = 0; optional < 16; optional++)
        {
            foreach (Activation activation in Enum.GetValues<Activation>())
            {
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.FP32, 6, 8, 12, activation, optional));
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.FP32, 5, 3, 7, activation, optional));
                layers += 2;
            }
        }

        Assert.Equal(layers, library.Calls);
    }

    // The library adds the bias in the type of the result, which is left in it for the activation: both are granted another rounding.
    [Fact]
    public void Linear_layers_of_brain_floats_agree_with_double_precision()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library, CudaPrecision.BF16));
        int layers = 0;
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            for (int optional = 0; optional < 4; optional++)
            {
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, 6, 8, 12, activation, optional, ProblemBuilder.InnerUnit, "x", "y", "preActivation"));
                bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, 5, 3, 7, activation, optional, ProblemBuilder.InnerUnit, "y", "preActivation"));
                layers += 2;
            }

            bed.AssertSolves(CudaLinearTests.Problem(CudaPrecision.BF16, 6, 8, 12, activation, 13, 0, "x"));
            layers++;
        }

        Assert.Equal(layers, library.Calls);
    }

    [Fact]
    public void Products_of_brain_floats_agree_with_double_precision()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library, CudaPrecision.BF16)), skewed = new(CublasLtHost.Open(library, CudaPrecision.BF16), 1);
        foreach (string inner in (string[])["", "a", "b", "ab", "y", "aby"])
        {
            int before = library.Calls;
            for (int transposes = 0; transposes < 4; transposes++)
            {
                (bool a, bool b) = ((transposes & 1) != 0, (transposes & 2) != 0);
                CudaMatMulTests.AssertAgrees(bed, CudaPrecision.BF16, null, new GemmCase(3, 5, 7) { TransposeA = a, TransposeB = b }, inner);
                CudaMatMulTests.AssertAgrees(bed, CudaPrecision.BF16, null, new GemmCase(5, 6, 4) { PadA = 3, PadB = 1, PadY = 2, Alpha = 0.5f, Beta = -2, TransposeA = a, TransposeB = b }, inner);
                CudaMatMulTests.AssertAgrees(bed, CudaPrecision.BF16, null, new GemmCase(2, 3, 4) { Outer = 2, Inner = 3, TransposeA = a, TransposeB = b }, inner);
                CudaMatMulTests.AssertAgrees(skewed, CudaPrecision.BF16, null, new GemmCase(4, 8, 4) { Outer = 3, SharedA = true, Beta = 1, TransposeA = a, TransposeB = b }, inner);
            }

            Assert.Equal(before + 16, library.Calls);
        }
    }

    // Each turn writes over the result of the last one, so that a product which is not replayed is found out.
    [Fact]
    public void Products_are_recorded_and_replayed()
    {
        FakeCublasLt library = new();
        using DeviceBed bed = new(CublasLtHost.Open(library));
        View x = bed.Write([2], [1, 1]), y = bed.Write([3], [1, 1]);
        using Repetition repetition = bed.Backend.CreateRepetition();
        float expected = 3;
        for (int turn = 0; turn < 6; turn++)
        {
            using (repetition.Open())
            {
                bed.Backend.MatMul(MatMulArguments.Single(x.Address, y.Address, y.Address, 1, 1, 1) with { Beta = 1 });
                bed.Backend.MatMul(MatMulArguments.Single(x.Address, x.Address, y.Address, 1, 1, 1) with { Beta = 1 });
            }

            expected = (expected * 3) + 4;
            Assert.Equal(expected, bed.Read<float>(y)[0]);
        }

        // The first turn and the recorded one; the rest is replayed.
        Assert.Equal(4, library.Calls);
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        FakeCublasLt library = new();
        EmulatedMachine machine = new();
        using (DeviceBed bed = new(CublasLtHost.Open(library, machine: machine)))
            CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(3, 8, 4));
        Assert.Equal(0, library.Open);
        Assert.Empty(machine.Leftovers);
    }

    [Fact]
    public void A_library_that_does_not_start_or_is_too_old_or_unwanted_is_not_used()
    {
        FakeCublasLt broken = new() { IsBroken = true }, old = new(), unwanted = new();
        old.Absent.Add("cublasLtGetStatusName");
        foreach ((FakeCublasLt library, string? variable) in new[] { (broken, null), (old, null), (unwanted, "0") })
        {
            EmulatedMachine machine = new();
            using (DeviceBed bed = new(CublasLtHost.Open(library, machine: machine, variable: variable)))
                CudaMatMulTests.AssertAgrees(bed, CudaPrecision.FP32, null, new GemmCase(3, 8, 4));
            Assert.Equal((0, 0), (library.Calls, library.Open));
            Assert.Empty(machine.Leftovers);
        }
    }
}
