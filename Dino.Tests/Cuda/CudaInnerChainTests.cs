using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Tensors;

namespace Dino.Tests.Cuda;

/// <summary>A transformer block whose parts hand each other brain floats, forwards and backwards, against F32.</summary>
public sealed class CudaInnerChainTests
{
    private const int Batch = 2, Tokens = 9, Heads = 2, Width = 24, Hidden = 64;

    private static readonly (string Name, Shape Shape, double Mean, double Deviation)[] s_operands =
    [
        ("x", [Batch, Tokens, Width], 0, 1), ("gamma1", [Width], 1, 0.2), ("beta1", [Width], 0, 0.2), ("qkv", [3 * Width, Width], 0, 0.2), ("qkvBias", [3 * Width], 0, 0.2),
        ("projection", [Width, Width], 0, 0.2), ("projectionBias", [Width], 0, 0.2), ("gamma2", [Width], 1, 0.2), ("beta2", [Width], 0, 0.2), ("fc1", [Hidden, Width], 0, 0.2),
        ("fc1Bias", [Hidden], 0, 0.2), ("fc2", [Width, Hidden], 0, 0.2), ("fc2Bias", [Width], 0, 0.2), ("direction", [Batch, Tokens, Width], 0, 1),
    ];

    // Roundings on the longest way through the block and back: two operands of each of 12 products, and 12 results that are stored. They are independent, so the
    // error of a gradient as a whole grows like the root of their number: 6 unit roundoffs of its size.
    [Fact]
    public void Gradients_of_a_block_agree_with_those_in_F32()
    {
        using Device cpu = Devices.Create("cpu-256");
        using CudaDevice cuda = new(CudaDevices.Find(new EmulatedHost(new EmulatedMachine())), 0, CudaPrecision.BF16);
        float[][] expected = Gradients(cpu), actual = Gradients(cuda);
        for (int k = 0; k < expected.Length; k++)
        {
            double size = Math.Sqrt(expected[k].Sum(value => (double)value * value));
            double off = Math.Sqrt(expected[k].Zip(actual[k], (truth, found) => Math.Pow((double)found - truth, 2)).Sum());
            string name = k < s_operands.Length ? "gradient of " + s_operands[k].Name : "loss";
            Assert.True(off <= 6 * ProblemBuilder.InnerUnit * size, $"The {name} is off by {off / size:g3} of its size.");
            Assert.True(off > 0, $"The {name} is that of F32: nothing was rounded.");
        }
    }

    // The gradient of a result that two layers read is the sum of what they give back.
    [Fact]
    public void A_result_read_twice_gets_both_gradients()
    {
        using CudaDevice cuda = new(CudaDevices.Find(new EmulatedHost(new EmulatedMachine())), 0, CudaPrecision.BF16);
        using Scope scope = cuda.OpenScope();
        Tensor x = scope.Upload([1f, 2, 3, 4, 5, 6], [2, 3], requiresGradient: true), identity = scope.Upload([1f, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]);
        Tensor inner = x.Linear(identity, type: DType.BF16);
        scope.Backward((inner.Linear(identity) + (inner.Linear(identity) * 2)).Sum());
        Assert.All(x.GradientToArray(), value => Assert.Equal(3f, value));
    }

    private static float[][] Gradients(Device device)
    {
        DType type = device.Backend.InnerType;
        ProblemBuilder random = new("block", 3);
        using Scope scope = device.OpenScope();
        Tensor[] t = [.. s_operands.Select(operand => scope.Upload(random.Draw(operand.Shape, operand.Mean, operand.Deviation), operand.Shape, requiresGradient: true))];
        Tensor x = t[0];
        x = x.LayerNorm(t[1], t[2], type: type).Linear(t[3], t[4], type: type).Attention(Heads).Linear(t[5], t[6], residual: x);
        x = x.LayerNorm(t[7], t[8], type: type).Linear(t[9], t[10], Activation.Gelu, type: type).Linear(t[11], t[12], residual: x);
        Tensor loss = (x * t[13]).Sum();
        scope.Backward(loss);
        return [.. t.Select(tensor => tensor.GradientToArray()), loss.ToArray()];
    }
}
