using System.CommandLine;
using Dino.Cuda;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary><c>dino devices</c>: what this machine can compute on, and what is missing.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Option<bool> json = Options.Json();
        Command command = new("devices", "List the CPU and the CUDA devices of this machine, or why there are none.") { json };
        return command.Does((parsed, _) =>
        {
            using CpuDevice cpu = new();
            CudaDevices cuda = CudaDevices.Find();
            if (parsed.GetValue(json))
                JsonOutput.Print(Output(cpu, cuda), CliJson.Default.DevicesOutput);
            else
                Print(cpu, cuda);
            return 0;
        });
    }

    private static DevicesOutput Output(CpuDevice cpu, CudaDevices cuda)
    {
        bool isAvailable = cuda.IsAvailable(out string reason);
        return new DevicesOutput(
            new CpuOutput(cpu.InstructionSet, cpu.Int8InstructionSet, cpu.Threads),
            new CudaOutput(isAvailable ? null : reason,
                [.. cuda.Devices.Select(device => new CudaDeviceOutput(device.Index, device.Name, device.ComputeCapability.ToString(), device.Multiprocessors,
                    device.TotalBytes, device.FreeBytes, device.DriverVersion.ToString(), device.Problem))],
                [.. Libraries(cuda).Select(library => new LibraryOutput(library.Name, library.Location, library.Reason))]));
    }

    private static void Print(CpuDevice cpu, CudaDevices cuda)
    {
        string gain = cpu.Int8InstructionSet == "AVX-VNNI" ? "" : " (without AVX-VNNI, --precision int8 saves memory but no time)";
        Console.Out.WriteLine($"cpu: {cpu.InstructionSet}, threads: {cpu.Threads}, int8: {cpu.Int8InstructionSet}{gain}");
        foreach (CudaDeviceInfo device in cuda.Devices)
        {
            string free = device.FreeBytes is { } bytes ? $"{Gibibytes(bytes)} of " : "";
            Console.Out.WriteLine($"cuda {device.Index}: {device.Name}, compute capability {device.ComputeCapability}, {device.Multiprocessors} multiprocessors, "
                + $"{free}{Gibibytes(device.TotalBytes)} GiB{(free.Length > 0 ? " free" : "")}, driver for CUDA {device.DriverVersion}");
            if (device.Problem is not null)
                Console.Out.WriteLine($"  cannot be used: {device.Problem}");
        }

        if (cuda.Devices.Count == 0)
        {
            _ = cuda.IsAvailable(out string reason);
            Console.Out.WriteLine($"cuda: no device. {reason}");
        }
        else
        {
            // Without a device the first thing to mend is that; what else is missing comes afterwards.
            foreach (CudaLibrary library in Libraries(cuda))
                Console.Out.WriteLine($"{library.Name}: {library.Location ?? library.Reason}");
        }

        if (cuda.IsAvailable(out _))
            Console.Out.WriteLine("Add --device cuda to a command to compute on a GPU. Without cuBLASLt products run on kernels of our own: a driver is all that is needed.");
    }

    private static CudaLibrary[] Libraries(CudaDevices cuda) => [cuda.Driver, cuda.CublasLt, cuda.Cublas];

    private static string Gibibytes(long bytes) => $"{bytes / (double)(1L << 30):f1}";
}
