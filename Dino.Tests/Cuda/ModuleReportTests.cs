using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>The list of kernel modules that a driver compiles.</summary>
public sealed class ModuleReportTests
{
    [Fact]
    public void Every_kernel_of_every_module_is_compiled_and_has_a_name_of_its_own()
    {
        using CudaContext context = CudaDevices.Find(new EmulatedHost(new EmulatedMachine())).OpenContext(0);
        ModuleReport[] modules = [.. ModuleReport.Compile(context)];
        Assert.Equal(ModuleReport.Modules, modules.Select(module => module.Name));
        Assert.All(modules, module => Assert.True(module.Error is null && module.Kernels.Count > 0, $"{module.Name}: {module.Error}"));
        string[] names = [.. modules.SelectMany(module => module.Kernels).Select(kernel => kernel.Name)];
        Assert.Equal(names.Distinct(), names);
        Assert.All(modules.SelectMany(module => module.Kernels), kernel => Assert.Equal(0, kernel.LocalBytes));
    }

    [Fact]
    public void The_summary_counts_the_modules_that_no_driver_has_seen() =>
        Assert.Matches(@"^kernel modules not yet validated on a device: \d+ of \d+( \(.+\))?\n$", KernelValidation.Summary());
}
