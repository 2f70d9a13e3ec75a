using Dino.Cuda;
using Dino.Ssl.Training;
using Dino.Tests.Cuda.Emulator;
using Dino.Tests.Ssl;

namespace Dino.Tests.Cuda;

/// <summary>Training steps in BF16: what is handed on inside the blocks, and how far losses are from those in FP32.</summary>
public sealed class BrainFloatTrainingTests
{
    private const int Steps = 6;

    [Fact]
    public void Losses_in_BF16_stay_near_those_in_FP32()
    {
        EmulatedMachine machine = new();
        float[] exact = Train(new EmulatedMachine(), CudaPrecision.FP32), rounded = Train(machine, CudaPrecision.BF16);
        // 2^-8 is the rounding of one number; losses average over thousands, and six steps at the learning rate of the tiny run move weights little.
        for (int step = 0; step < Steps; step++)
            Assert.True(Math.Abs(rounded[step] - exact[step]) <= exact[step] / 256 * (step + 1), $"Step {step}: {rounded[step]} in BF16, {exact[step]} in FP32.");
        Assert.NotEqual(exact, rounded);
        Assert.All((string[])["attention_inner_64", "attention_queries_inner_64", "attention_keys_inner_64"], kernel => Assert.Contains(kernel, machine.Kernels));
        Assert.Contains(machine.Kernels, kernel => kernel.StartsWith("product_inner", StringComparison.Ordinal));
        Assert.Contains(machine.Kernels, kernel => kernel.StartsWith("layer_norm_inner", StringComparison.Ordinal));
    }

    private static float[] Train(EmulatedMachine machine, CudaPrecision precision)
    {
        using CudaDevice device = new(CudaDevices.Find(new EmulatedHost(machine)), 0, precision);
        using DinoTrainer trainer = TinyRun.Trainer(device);
        return [.. Enumerable.Range(0, Steps).Select(step => trainer.Step(TinyRun.Views((uint)step), TinyRun.Dino.BatchSize).Loss)];
    }
}
