using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>Linear layers with packed weights on a CUDA device against the CPU's.</summary>
public sealed class CudaPackedLinearTests
{
    public static TheoryData<int, int, int> Shapes => new() { { 1, 1, 1 }, { 3, 5, 33 }, { 33, 36, 16 }, { 9, 70, 100 }, { 66, 3, 20 } };

    [Theory, MemberData(nameof(Shapes))]
    public void Layers_agree_with_those_of_the_CPU(int rows, int outputs, int inputs)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                AssertAgrees(bed, precision, format, new Layer(rows, outputs, inputs), Activation.Identity, hasBias: false, Residual.None);
                AssertAgrees(bed, precision, format, new Layer(rows, outputs, inputs), Activation.Gelu, hasBias: true, Residual.Separate);
                AssertAgrees(bed, precision, format, new Layer(rows, outputs, inputs), Activation.Relu, hasBias: true, Residual.InPlace);
            }
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    public void Every_tile_agrees(int tile)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using DeviceBed bed = new(precision: precision);
            ((CudaBackend)bed.Backend).ForcedPlan = new ProductPlan(tile, 1, 48);
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                AssertAgrees(bed, precision, format, new Layer(tile + 1, 12, 48), Activation.Gelu, hasBias: true, Residual.Separate);
                AssertAgrees(bed, precision, format, new Layer(5, tile + 2, 37), Activation.Gelu, hasBias: true, Residual.Separate);
            }
        }
    }

    // Products of so many inputs are divided into parts, but not those of bytes: their sums are integers yet.
    [Fact]
    public void Many_inputs_agree()
    {
        using DeviceBed bed = new();
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            AssertAgrees(bed, CudaPrecision.FP32, format, new Layer(2, 3, 5000), Activation.Gelu, hasBias: true, Residual.InPlace);
    }

    [Fact]
    public void A_row_with_NaN_or_infinity_is_NaN_and_no_other_is()
    {
        Layer layer = new(3, 2, 8);
        layer.X[2] = float.NaN;
        layer.X[8 + 5] = float.PositiveInfinity;
        using DeviceBed bed = new();
        float[] y = Run(bed.Backend, WeightFormat.I8, layer, Activation.Identity, false, Residual.None, bed);
        Assert.All(y[..4], value => Assert.True(float.IsNaN(value)));
        Assert.DoesNotContain(float.NaN, y[4..]);
    }

    // Half a step either way: what multiplies and adds in one rounding gets other integers.
    [Fact]
    public void Integers_are_those_of_the_CPU()
    {
        Layer layer = new(64, 1, 512);
        Array.Fill(layer.Weight, 1f);
        using DeviceBed bed = new();
        float[] actual = Run(bed.Backend, WeightFormat.I8, layer, Activation.Identity, false, Residual.None, bed);
        float[] expected = OnCpu(WeightFormat.I8, layer, Activation.Identity, false, Residual.None);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], 2e-4f);
    }

    [Fact]
    public void A_warm_layer_allocates_nothing()
    {
        Layer layer = new(3, 4, 20);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            using DeviceBed bed = new();
            PackedView packed = Pack(bed, format, layer);
            KernelProblem problem = new("layer", [new("x", Access.Input, [3, 20], layer.X), new("y", Access.Output, [3, 4], null)], (backend, v, _) =>
                backend.PackedLinear(v[0], packed, View.None, Activation.Gelu, View.None, v[1]));
            View x = bed.Write(layer.X, [3, 20]), y = bed.Take([3, 4]);
            long bytes = 0;
            for (int i = 0; i < 3; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                problem.Run(bed.Backend, [x, y], false);
                bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            }

            // The array of views.
            Assert.InRange(bytes, 0, 200);
        }
    }

    private static void AssertAgrees(DeviceBed bed, CudaPrecision precision, WeightFormat format, Layer layer, Activation activation, bool hasBias, Residual residual)
    {
        float[] actual = Run(bed.Backend, format, layer, activation, hasBias, residual, bed), expected = OnCpu(format, layer, activation, hasBias, residual);
        for (int i = 0; i < actual.Length; i++)
        {
            double magnitude = layer.Magnitude(i);
            // Equal integers, and weights rounded alike: what remains is the rounding of sums (those of bytes are exact), and that of operands.
            double bound = 1.13 * ((ProblemBuilder.Unit * (magnitude + 2) * (8 + (format == WeightFormat.I8 ? 0 : 4 * Math.Sqrt(layer.Inputs)))) + (format == WeightFormat.I8 ? 0 : CudaMatMulTests.OperandError(precision) * magnitude));
            Assert.True(
                Math.Abs(actual[i] - expected[i]) <= bound,
                $"{precision} {format} [{layer.Rows}, {layer.Outputs}, {layer.Inputs}] {activation}, bias {hasBias}, residual {residual}: element {i} is {actual[i]}, on the CPU {expected[i]}, bound {bound:g3}.");
        }
    }

    private static float[] OnCpu(WeightFormat format, Layer layer, Activation activation, bool hasBias, Residual residual)
    {
        using CpuDevice device = new(1);
        using DeviceBed bed = new(device);
        return Run(bed.Backend, format, layer, activation, hasBias, residual, bed);
    }

    private static float[] Run(Backend backend, WeightFormat format, Layer layer, Activation activation, bool hasBias, Residual residual, DeviceBed bed)
    {
        PackedView packed = Pack(bed, format, layer);
        View x = bed.Write(layer.X, [layer.Rows, layer.Inputs]), bias = bed.Write(layer.Bias, [layer.Outputs]), added = bed.Write(layer.Residual, [layer.Rows, layer.Outputs]);
        View y = residual == Residual.InPlace ? added : bed.Write(default, [layer.Rows, layer.Outputs]);
        backend.PackedLinear(x, packed, hasBias ? bias : View.None, activation, residual == Residual.None ? View.None : added, y);
        float[] result = bed.Read<float>(y);
        bed.Release();
        return result;
    }

    private static PackedView Pack(DeviceBed bed, WeightFormat format, Layer layer)
    {
        View memory = bed.Take([checked((int)bed.Backend.PackedBytes(format, layer.Outputs, layer.Inputs))], DType.U8);
        PackedView packed = new(memory.Address, format, layer.Outputs, layer.Inputs);
        bed.Backend.Pack(bed.Write(layer.Weight, [layer.Outputs, layer.Inputs]), packed);
        return packed;
    }

    private sealed class Layer
    {
        public Layer(int rows, int outputs, int inputs)
        {
            (Rows, Outputs, Inputs) = (rows, outputs, inputs);
            Random random = new(rows + (outputs * 31) + (inputs * 7));
            float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
            X = [.. Draw(rows * inputs).Select(value => value + 0.5f)];
            (Weight, Bias, Residual) = (Draw(outputs * inputs), Draw(outputs), Draw(rows * outputs));
        }

        public int Rows { get; }

        public int Outputs { get; }

        public int Inputs { get; }

        public float[] X { get; }

        public float[] Weight { get; }

        public float[] Bias { get; }

        public float[] Residual { get; }

        /// <summary>Σ |w| of an element times the largest |x| of its row.</summary>
        public double Magnitude(int element)
        {
            ReadOnlySpan<float> x = X.AsSpan(element / Outputs * Inputs, Inputs), w = Weight.AsSpan(element % Outputs * Inputs, Inputs);
            double largest = 0, sum = 0;
            for (int k = 0; k < Inputs; k++)
                (largest, sum) = (Math.Max(largest, Math.Abs(x[k])), sum + Math.Abs(w[k]));
            return largest * sum;
        }
    }
}
