using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>What is left to know after a kernel has failed: a device reports that late, and again at every call.</summary>
public sealed class DeviceFailureTests
{
    [Theory, InlineData("1", true), InlineData("0", false), InlineData("", false)]
    public void Every_kernel_is_waited_for_when_asked(string setting, bool isSynchronous)
    {
        EmulatedMachine machine = new();
        using CudaDevice device = Open(machine, setting);
        using Scope scope = device.OpenScope(GradMode.Off);
        using Repetition repetition = device.Backend.CreateRepetition();
        View x = scope.Empty(new Shape(7)).View;
        long waits = machine.Waits;
        for (int turn = 0; turn < 3; turn++)
        {
            using Repetition.Turn open = repetition.Open();
            device.Backend.Fill(x, turn);
            device.Backend.Fill(x, -turn);
        }

        // A graph would hide which of its kernels failed.
        Assert.Equal(isSynchronous ? 0 : 2, machine.GraphLaunches);
        Assert.Equal(isSynchronous ? 6 : 0, machine.Waits - waits);
        float[] found = new float[7];
        device.Backend.Download(x, System.Runtime.InteropServices.MemoryMarshal.AsBytes(found.AsSpan()));
        Assert.All(found, value => Assert.Equal(-2, value));
    }

    [Fact]
    public void The_first_failure_stays_the_one_that_is_seen()
    {
        CudaException error = Assert.Throws<CudaException>(() =>
        {
            using CudaDevice device = Open(new EmulatedMachine(), "1");
            using Scope scope = device.OpenScope(GradMode.Off);
            using Repetition repetition = device.Backend.CreateRepetition();
            using Augmentation augmentation = device.Backend.CreateAugmentation()!;
            View x = scope.Empty(new Shape(7)).View;
            device.Backend.Fill(new View(x.Address + (1 << 30), DType.F32, new Shape(7)), 1);
        });
        Assert.Contains("cuLaunchKernel(fill_4, grid 1 x 1 x 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_that_is_reported_late_says_how_to_find_its_kernel()
    {
        EmulatedMachine machine = new();
        using CudaDevice device = Open(machine, "");
        Assert.ThrowsAny<CudaException>(() => device.Backend.Fill(new View(1 << 20, DType.F32, new Shape(7)), 1));
        CudaException late = Assert.Throws<CudaException>(device.Backend.Synchronize);
        Assert.Contains("set DINO_CUDA_SYNC=1 to learn which kernel it was", late.Message, StringComparison.Ordinal);
    }

    private static CudaDevice Open(EmulatedMachine machine, string setting) =>
        new(CudaDevices.Find(new EmulatedHost(machine) { Variables = { ["DINO_CUDA_SYNC"] = setting } }), 0);
}
