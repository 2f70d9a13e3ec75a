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
    public void Text_names_the_devices_or_the_reason()
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
    }

    /// <summary>Every command that computes says why it cannot where there is no GPU, before any work.</summary>
    [Theory]
    [InlineData("bench", "forward")]
    [InlineData("bench", "train-step")]
    [InlineData("train", "--data", ".", "--output", "nowhere")]
    public void A_cuda_device_that_is_not_there_is_explained(params string[] command)
    {
        if (CudaDevice.IsAvailable(out string reason))
            return;
        string errors = DinoProcess.Run([.. command, "--device", "cuda"]).Expect(1).Errors;
        Assert.Contains($"error: There is no CUDA device. {reason}", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists("nowhere"));
    }

    [Theory]
    [InlineData("cuda:one", "fp32", "There is no device 'cuda:one'. Use --device cpu, cuda or cuda:1")]
    [InlineData("gpu", "fp32", "There is no device 'gpu'.")]
    [InlineData("cpu", "tf32", "--precision tf32 is for --device cuda.")]
    [InlineData("cuda:0", "int8", "--precision int8 is not for --device cuda.")]
    [InlineData("cpu", "fp8", "There is no precision 'fp8'.")]
    public void A_device_or_precision_that_cannot_be_is_refused(string device, string precision, string message) =>
        Assert.Contains(message, DinoProcess.Run("bench", "forward", "--device", device, "--precision", precision).Expect(2).Errors, StringComparison.Ordinal);

    [Fact]
    public void Training_on_the_CPU_is_in_fp32() =>
        Assert.Contains("on the CPU this computes in fp32", DinoProcess.Run("bench", "train-step", "--precision", "bf16").Expect(2).Errors, StringComparison.Ordinal);
}
