using Dino.Cuda;
using Dino.Tensors;
using Dino.Tensors.Backends;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>The CUDA device on an emulated machine, from opening it to what is left when it is closed.</summary>
public sealed class EmulatedDeviceTests
{
    [Theory]
    [InlineData(DType.F32, 4)]
    [InlineData(DType.I32, 4)]
    [InlineData(DType.BF16, 2)]
    [InlineData(DType.F16, 2)]
    [InlineData(DType.U8, 1)]
    public void Fill_writes_what_the_CPU_writes(DType dtype, int size)
    {
        // More elements than the grid has threads, and no multiple of anything.
        const int Count = (4 * 8 * 256 * 2) + 77;
        EmulatedMachine machine = new();
        byte[] found = new byte[Count * size], expected = new byte[Count * size];
        Run(EmulatedHost.OpenDevice(machine), found);
        Run(new CpuDevice(1), expected);
        Assert.Equal(expected, found);
        Assert.Empty(machine.Leftovers);
        Assert.Equal(1, machine.Launches);

        void Run(Device device, byte[] output)
        {
            using (device)
            {
                using Scope scope = device.OpenScope(GradMode.Off);
                View view = scope.Empty(new Shape(Count), dtype).View;
                device.Backend.Fill(view, 3.7f);
                device.Backend.Download(view, output);
            }
        }
    }

    [Fact]
    public void What_is_uploaded_comes_back()
    {
        using CudaDevice device = EmulatedHost.OpenDevice();
        using Scope scope = device.OpenScope(GradMode.Off);
        View view = scope.Empty(new Shape(1001)).View;
        byte[] sent = new byte[4004], found = new byte[4004];
        new Random(1).NextBytes(sent);
        device.Backend.Upload(sent, view);
        device.Backend.Download(view, found);
        Assert.Equal(sent, found);
    }

    [Fact]
    public void Running_out_of_memory_says_what_is_free_and_what_to_do()
    {
        EmulatedMachine machine = new();
        machine.Memory.Limit = 64 << 20;
        using CudaDevice device = EmulatedHost.OpenDevice(machine);
        CudaException error = Assert.Throws<CudaException>(() => device.Backend.Allocate(65 << 20));
        Assert.Contains("65.0 MiB failed: CUDA_ERROR_OUT_OF_MEMORY (2), 64 of 64 MiB are free", error.Message, StringComparison.Ordinal);
        Assert.Contains("--accumulate", error.Message, StringComparison.Ordinal);
        nint address = device.Backend.Allocate(63 << 20);
        device.Backend.Free(address, 63 << 20);
    }
}
