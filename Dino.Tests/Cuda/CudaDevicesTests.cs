using Dino.Cuda;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda;

/// <summary>What is reported of devices, and the reason when there is none, with a driver that lives in the test.</summary>
public sealed class CudaDevicesTests
{
    private static readonly FakeDevice Large = new("NVIDIA H200", 9, 0, 132, 150_000_000_000, 149_000_000_000), Small = new("NVIDIA A2", 8, 6, 10, 15_700_000_000, 123);

    public static TheoryData<string> EntryPoints => [.. FakeDriver.EntryPoints];

    [Fact]
    public void Two_devices_are_described()
    {
        CudaDevices cuda = Find(new() { Devices = { Large, Small } });
        Assert.True(cuda.IsAvailable(out string reason));
        Assert.Empty(reason);
        Version driver = new(12, 8);
        Assert.Equal(
            [
                new CudaDeviceInfo(0, "NVIDIA H200", new Version(9, 0), 132, 150_000_000_000, 149_000_000_000, driver, null),
                new CudaDeviceInfo(1, "NVIDIA A2", new Version(8, 6), 10, 15_700_000_000, 123, driver, null),
            ],
            cuda.Devices);
        Assert.Equal(("libcuda.so.1", "libcublasLt.so.12", null), (cuda.Driver.Location, cuda.CublasLt.Location, cuda.Cublas.Location));
        Assert.Contains("libcublas.so.13", cuda.Cublas.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("cuCtxSetCurrent")]
    [InlineData("cuMemGetInfo_v2")]
    public void Every_context_is_given_back_and_the_threads_own_is_restored(string? failing)
    {
        FakeDriver driver = new() { Devices = { Large, Small }, Context = 7 };
        if (failing is not null)
            driver.Failures.Add(failing, 201);
        CudaDevices cuda = Find(driver);
        Assert.Empty(driver.Retained);
        Assert.Equal(7, driver.Context);
        Assert.Equal(failing is null, cuda.Devices.All(device => device.FreeBytes.HasValue));
    }

    [Fact]
    public void Without_a_driver_the_reason_says_what_was_tried_and_what_to_install()
    {
        CudaDevices cuda = CudaDevices.Find(new FakeHost());
        Assert.False(cuda.IsAvailable(out string reason));
        Assert.Empty(cuda.Devices);
        Assert.Equal(cuda.Driver.Reason, reason);
        Assert.Contains("libcuda.so.1", reason, StringComparison.Ordinal);
        Assert.Contains("install the driver", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "cuInit(0) failed: CUDA_ERROR_NO_DEVICE (100), no CUDA-capable device is detected.")]
    [InlineData(true, "0 devices")]
    public void A_driver_without_a_device_is_explained(bool starts, string finding)
    {
        CudaDevices cuda = Find(new() { StartsWithoutDevice = starts });
        Assert.False(cuda.IsAvailable(out string reason));
        Assert.Empty(cuda.Devices);
        Assert.Contains(finding, reason, StringComparison.Ordinal);
        Assert.Contains("CUDA_VISIBLE_DEVICES", reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Calls => new()
    {
        { "cuInit", "cuInit(0)" },
        { "cuDriverGetVersion", "cuDriverGetVersion(&version)" },
        { "cuDeviceGetCount", "cuDeviceGetCount(&count)" },
        { "cuDeviceGet", "cuDeviceGet(&device, index)" },
        { "cuDeviceGetName", "cuDeviceGetName(name, NameLength, device)" },
        { "cuDeviceTotalMem_v2", "cuDeviceTotalMem(&total, device)" },
        { "cuDeviceGetAttribute", "cuDeviceGetAttribute(&value, attribute, device)" },
        { "cuCtxGetCurrent", "cuCtxGetCurrent(&previous)" },
        { "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRetain(&context, device)" },
        { "cuCtxSetCurrent", "cuCtxSetCurrent(context)" },
        { "cuMemGetInfo_v2", "cuMemGetInfo(&free, &total)" },
    };

    [Theory, MemberData(nameof(Calls))]
    public void A_call_that_fails_is_quoted_with_name_and_explanation(string entryPoint, string call)
    {
        CudaDevices cuda = Find(new() { Devices = { Large }, Failures = { [entryPoint] = 1 } });
        Assert.False(cuda.IsAvailable(out string reason));
        Assert.Contains($"{call} failed: CUDA_ERROR_INVALID_VALUE (1), invalid argument.", reason, StringComparison.Ordinal);
        Assert.Contains("nvidia-smi", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_that_the_driver_has_no_name_for_keeps_its_number()
    {
        FakeDriver driver = new() { Devices = { Large }, Failures = { ["cuDeviceGetCount"] = 4711 } };
        DriverTable table = DriverTable.Fill(driver.Export, out _)!;
        CudaException error = Assert.Throws<CudaException>(() => DeviceQuery.Read(table));
        Assert.Equal(("cuDeviceGetCount(&count)", 4711), (error.Call, error.Code));
        Assert.Contains("4711", error.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(EntryPoints))]
    public void A_missing_entry_point_is_named(string entryPoint)
    {
        CudaDevices cuda = Find(new() { Devices = { Large }, Absent = { entryPoint } });
        Assert.False(cuda.IsAvailable(out string reason));
        Assert.StartsWith($"libcuda.so.1 lacks {entryPoint}: ", reason, StringComparison.Ordinal);
        Assert.Contains("Update the NVIDIA driver", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10020, "CUDA 10.2")]
    [InlineData(9010, "CUDA 9.1")]
    public void A_driver_that_is_too_old_is_a_problem_of_each_device(int version, string named)
    {
        CudaDevices cuda = Find(new() { Version = version, Devices = { Large, Small } });
        Assert.False(cuda.IsAvailable(out string reason));
        Assert.All(cuda.Devices, device => Assert.Contains($"its driver supports {named}, and CUDA 11.4 is needed at least", device.Problem, StringComparison.Ordinal));
        Assert.Contains("NVIDIA A2 cannot be used", reason, StringComparison.Ordinal);
        Assert.True(Find(new() { Version = 11040, Devices = { Large } }).IsAvailable(out _));
    }

    [Fact]
    public void A_device_that_is_too_old_does_not_hide_one_that_is_not()
    {
        FakeDevice old = Large with { Name = "Quadro RTX 4000", Major = 7, Minor = 5 };
        CudaDevices cuda = Find(new() { Devices = { old, Small with { Minor = 0 } } });
        Assert.True(cuda.IsAvailable(out _));
        Assert.Contains("its compute capability is 7.5, and 8.0", cuda.Devices[0].Problem, StringComparison.Ordinal);
        Assert.Null(cuda.Devices[1].Problem);
        Assert.False(Find(new() { Devices = { old } }).IsAvailable(out string reason));
        Assert.StartsWith("Quadro RTX 4000 cannot be used: its compute capability", reason, StringComparison.Ordinal);
    }

    /// <summary>A machine whose loader finds the driver and cuBLASLt, not cuBLAS.</summary>
    private static CudaDevices Find(FakeDriver driver) => CudaDevices.Find(new FakeHost { Driver = driver, Known = { "libcuda.so.1", "libcublasLt.so.12" } });
}
