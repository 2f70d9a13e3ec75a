using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using Dino.Cuda;
using Dino.Tensors;

namespace Dino.Tests.Cli;

/// <summary><c>dino devices</c> on whatever machine this is: it says what the library finds, and succeeds without a GPU.</summary>
public sealed class DevicesCommandTests
{
    [Fact]
    public void Json_has_the_cpu_the_devices_and_the_libraries()
    {
        JsonElement json = DinoProcess.Run("devices", "--json").Expect(0).Json, cpu = json.GetProperty("cpu"), cuda = json.GetProperty("cuda");
        using CpuDevice here = new();
        Assert.Equal(
            (here.InstructionSet, here.Int8InstructionSet, here.Threads),
            (cpu.GetProperty("instruction_set").GetString(), cpu.GetProperty("int8_instruction_set").GetString(), cpu.GetProperty("threads").GetInt32()));
        CudaDevices found = CudaDevices.Find();
        Assert.Equal(found.IsAvailable(out string reason) ? null : reason, cuda.GetProperty("reason").GetString());
        Assert.False(cuda.GetProperty("selectable").GetBoolean());
        Assert.Equal(
            found.Devices.Select(device => (device.Index, device.Name, device.ComputeCapability.ToString(), device.Multiprocessors, device.TotalBytes, device.DriverVersion.ToString(), device.Problem)),
            cuda.GetProperty("devices").EnumerateArray().Select(device => (
                device.GetProperty("index").GetInt32(), device.GetProperty("name").GetString()!, device.GetProperty("compute_capability").GetString()!,
                device.GetProperty("multiprocessors").GetInt32(), device.GetProperty("total_bytes").GetInt64(), device.GetProperty("driver_cuda_version").GetString()!,
                device.GetProperty("problem").GetString())));
        Assert.Equal(
            new[] { found.Driver, found.CublasLt, found.Cublas }.Select(library => (library.Name, library.Location, library.Reason)),
            cuda.GetProperty("libraries").EnumerateArray().Select(library => (
                library.GetProperty("name").GetString()!, library.GetProperty("location").GetString(), library.GetProperty("reason").GetString())));
    }

    [Fact]
    public void Text_names_the_devices_or_the_reason_and_promises_nothing()
    {
        string output = DinoProcess.Run("devices").Expect(0).Output;
        using CpuDevice here = new();
        CudaDevices found = CudaDevices.Find();
        Assert.StartsWith($"cpu: {here.InstructionSet}, threads: {here.Threads}, int8: {here.Int8InstructionSet}", output, StringComparison.Ordinal);
        Assert.Equal(AvxVnni.IsSupported, !output.Contains("without AVX-VNNI", StringComparison.Ordinal));
        if (found.Devices.Count == 0)
        {
            Assert.False(found.IsAvailable(out string reason));
            Assert.Contains($"cuda: no device. {reason}", output, StringComparison.Ordinal);
        }

        Assert.All(found.Devices, device => Assert.Contains($"cuda {device.Index}: {device.Name}, ", output, StringComparison.Ordinal));
        Assert.Contains("Computing on CUDA devices is not there yet", output, StringComparison.Ordinal);
    }

    /// <summary>What is listed cannot be selected: the option knows the CPU alone.</summary>
    [Fact]
    public void A_cuda_device_cannot_be_selected() =>
        Assert.Contains("Use --device cpu.", DinoProcess.Run("bench", "forward", "--device", "cuda").Expect(2).Errors, StringComparison.Ordinal);
}
