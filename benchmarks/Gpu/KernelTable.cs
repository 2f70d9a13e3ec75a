using System.Globalization;
using System.Text;
using Dino.Benchmarks.Peers;
using Dino.Cuda;
using Dino.Cuda.Native;

namespace Dino.Benchmarks.Gpu;

/// <summary><c>benchmarks kernels</c>: has the driver of the first GPU compile every kernel module, and lists registers and spills with the hash of the PTX.</summary>
internal static class KernelTable
{
    private const string Marker = "gpu:kernels";

    /// <param name="document">A document whose table is replaced, or null.</param>
    /// <returns>0 if the driver takes all modules.</returns>
    public static int Run(string? document)
    {
        CudaDevices cuda = CudaDevices.Find();
        if (!cuda.IsAvailable(out string reason))
        {
            Console.Error.WriteLine($"There is no CUDA device. {reason}");
            return 1;
        }

        using CudaContext context = cuda.OpenContext(0);
        ModuleReport[] modules = [.. ModuleReport.Compile(context)];
        string table = Write(modules, cuda.Devices[0]);
        Console.Out.WriteLine(table);
        foreach (ModuleReport module in modules.Where(module => module.Error is not null))
            Console.Error.WriteLine($"{module.Name}: {module.Error}");
        if (document is not null)
            File.WriteAllText(document, ReportTable.InsertAt(File.ReadAllText(document), Marker, table));
        return modules.All(module => module.Error is null) ? 0 : 1;
    }

    private static string Write(ModuleReport[] modules, CudaDeviceInfo device)
    {
        StringBuilder text = new();
        text.AppendLine("| module | kernels | registers, most | kernels that spill | shared memory, most (bytes) | SHA-256 of the PTX |");
        text.AppendLine("|---|---:|---:|---|---:|---|");
        foreach (ModuleReport module in modules)
        {
            string spilling = string.Join(", ", module.Kernels.Where(kernel => kernel.LocalBytes > 0).Select(kernel => $"{kernel.Name} ({kernel.LocalBytes} bytes)"));
            text.AppendLine(CultureInfo.InvariantCulture, $"| {module.Name} | {module.Kernels.Count} | {Most(kernel => kernel.Registers)} | {spilling} | {Most(kernel => kernel.SharedBytes)} | {(module.Error is null ? module.Hash : "rejected")} |");

            int Most(Func<KernelReport, int> value) => module.Kernels.Count == 0 ? 0 : module.Kernels.Max(value);
        }

        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd}, {device.Name}, compute capability {device.ComputeCapability}, driver for CUDA {device.DriverVersion}.");
        return text.ToString();
    }
}
