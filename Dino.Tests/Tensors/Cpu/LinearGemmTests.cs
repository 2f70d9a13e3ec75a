using System.Runtime.InteropServices;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>The fused linear layer against the composite one, and the composite one against double precision.</summary>
public sealed unsafe class LinearGemmTests
{
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 1, 1 }, { 1, 7, 0 }, { 3, 5, 70 }, { 5, 65, 33 }, { 17, 48, 100 }, { 33, 130, 400 }, { 60, 257, 770 }, { 65, 130, 400 }, { 4, 900, 64 }, { 300, 3, 90 }, { 197, 96, 48 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Fused_equals_composite_512(int rows, int outputs, int inputs) => AssertAll<Vec512>(rows, outputs, inputs);

    [Theory, MemberData(nameof(Shapes))]
    public void Fused_equals_composite_256(int rows, int outputs, int inputs) => AssertAll<Vec256>(rows, outputs, inputs);

    [Theory, MemberData(nameof(Shapes))]
    public void Fused_equals_composite_128(int rows, int outputs, int inputs) => AssertAll<Vec128>(rows, outputs, inputs);

    [Fact]
    public void Relu_keeps_a_NaN()
    {
        using GemmBed<Vec512> bed = new(1);
        float* memory = stackalloc float[3] { float.NaN, 1, 0 };
        View x = new((nint)memory, DType.F32, [1, 1]), weight = new((nint)(memory + 1), DType.F32, [1, 1]), y = new((nint)(memory + 2), DType.F32, [1, 1]);
        bed.Backend.Linear(x, weight, View.None, Activation.Relu, View.None, y);
        Assert.True(float.IsNaN(memory[2]));
    }

    private static void AssertAll<V>(int rows, int outputs, int inputs)
        where V : struct, IVec<V>
    {
        using GemmBed<V> bed = new(2);
        foreach (Activation activation in new[] { Activation.Identity, Activation.Gelu, Activation.Relu })
        {
            for (int optional = 0; optional < 16; optional++)
                AssertAgrees(bed, rows, outputs, inputs, activation, (optional & 1) != 0, (optional & 2) != 0, (optional & 4) != 0, (optional & 8) != 0);
        }
    }

    private static void AssertAgrees<V>(GemmBed<V> bed, int rows, int outputs, int inputs, Activation activation, bool hasBias, bool keeps, bool hasResidual, bool hasFactors)
        where V : struct, IVec<V>
    {
        long count = (long)rows * outputs;
        using Operand x = new([rows, inputs], 1), weight = new([outputs, inputs], 2), bias = new([outputs], 3), residual = new([rows, outputs], 4);
        // One factor a run of rows; rows of prime count have one each.
        int runs = rows % 3 == 0 ? rows / 3 : rows;
        using Operand factors = new([runs], 5);
        using Operand fused = new([rows, outputs], 0), fusedKept = new([rows, outputs], 0), plain = new([rows, outputs], 0), plainKept = new([rows, outputs], 0);
        View shift = hasBias ? bias.View : View.None;
        View added = hasResidual ? residual.View : View.None, scales = hasFactors ? factors.View : View.None;
        bed.Backend.Linear(x.View, weight.View, shift, activation, keeps ? fusedKept.View : View.None, fused.View, added, scales);
        bed.Primitives.Linear(x.View, weight.View, shift, activation, keeps ? plainKept.View : View.None, plain.View, added, scales);

        string name = $"{typeof(V).Name} [{rows}, {outputs}, {inputs}] {activation}, bias {hasBias}";
        double unit = Math.Pow(2, -24);
        for (int i = 0; i < count; i++)
        {
            double sum = hasBias ? bias[i % outputs] : 0, magnitude = Math.Abs(sum);
            for (int k = 0; k < inputs; k++)
            {
                double term = (double)x[i / outputs * inputs + k] * weight[i % outputs * inputs + k];
                sum += term;
                magnitude += Math.Abs(term);
            }

            // As in GemmTests; the activations have slopes below 1.13, GELU adds 6 ulp of erf.
            double bound = unit * magnitude * (4 + 2 * Math.Sqrt(inputs));
            if (keeps)
            {
                Assert.True(Math.Abs(fusedKept[i] - sum) <= bound, $"{name}: sum {i} is {fusedKept[i]}, expected {sum}.");
                Assert.Equal(plainKept[i], fusedKept[i]);
            }

            if (hasResidual || hasFactors)
            {
                // The rest is exact arithmetic on values that are checked without it.
                Assert.Equal(plain[i], fused[i]);
                continue;
            }

            if (activation == Activation.Identity)
                Assert.True(Math.Abs(fused[i] - sum) <= bound, $"{name}: element {i} is {fused[i]}, expected {sum}.");
            else if (activation == Activation.Relu)
                Assert.True(Math.Abs(fused[i] - Math.Max(sum, 0)) <= bound, $"{name}: element {i} is {fused[i]}, expected {Math.Max(sum, 0)}.");
            // Same sums, same lanes' arithmetic: the same bits.
            Assert.Equal(plain[i], fused[i]);
        }
    }

    /// <summary>A tensor in native memory: values in [-1, 1), or NaN for seed 0.</summary>
    private sealed class Operand : IDisposable
    {
        private readonly float* _memory;

        public Operand(Shape shape, int seed)
        {
            _memory = (float*)NativeMemory.AlignedAlloc((nuint)(Math.Max(shape.Count, 1) * sizeof(float)), 64);
            View = new View((nint)_memory, DType.F32, shape);
            Random random = new(seed);
            for (long i = 0; i < shape.Count; i++)
                _memory[i] = seed == 0 ? float.NaN : random.NextSingle() * 2 - 1;
        }

        public View View { get; }

        public float this[long index] => _memory[index];

        public void Dispose() => NativeMemory.AlignedFree(_memory);
    }
}
