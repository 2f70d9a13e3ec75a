using System.CommandLine;
using System.Globalization;
using Dino.Cuda;
using Dino.Tensors;

namespace Dino.Cli.Commands;

/// <summary>Where to compute.</summary>
/// <param name="precision">The precision of a command that has it among other options; by default an option of this group.</param>
internal sealed class DeviceOptions(PrecisionOption? precision = null)
{
    private const string Cuda = "cuda";
    private readonly Option<string> _device = Options.Of("--device", "Where to compute: cpu, cuda, or cuda:1 for the second GPU; dino devices lists them.", "cpu");
    private readonly Option<int> _threads = Options.Of("--threads", "Threads that compute on the CPU; 0 for one per core. Results do not depend on it.", 0);
    private readonly PrecisionOption _precision = precision ?? new PrecisionOption(isForInference: false);

    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_threads);
        if (precision is null)
            _precision.AddTo(command);
    }

    /// <summary>Threads that compute on the CPU; 0 for one per core.</summary>
    public int Threads(ParseResult parsed) => parsed.GetValue(_threads) is var threads and >= 0 and <= 1024 ? threads
        : throw new ArgumentException($"--threads must be 0 (one per core) to 1024, not {parsed.GetValue(_threads)}.");

    /// <summary>Opens the device.</summary>
    /// <exception cref="ArgumentException">There is no such device, or it does not compute in this precision.</exception>
    /// <exception cref="InvalidOperationException">The GPU cannot be used; the message says why.</exception>
    public Device Open(ParseResult parsed)
    {
        int threads = Threads(parsed);
        switch (parsed.GetValue(_device)!.Split(':'))
        {
            case ["cpu"]:
                _precision.RequireOnCpu(parsed);
                return new CpuDevice(threads);
            case [Cuda]:
                return new CudaDevice(0, _precision.OnCuda(parsed));
            case [Cuda, string index] when int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out int number):
                return new CudaDevice(number, _precision.OnCuda(parsed));
            default:
                throw new ArgumentException($"There is no device '{parsed.GetValue(_device)}'. Use --device cpu, cuda or cuda:1; dino devices lists what there is.");
        }
    }

    /// <summary>A device in words, for the end of a line.</summary>
    public static string Describe(Device device) => device switch
    {
        CpuDevice cpu => $"{Wording.Count(cpu.Threads, "thread")}, {cpu.InstructionSet}",
        CudaDevice cuda => $"{cuda.Info.Name}, {cuda.Precision.ToString().ToLowerInvariant()}",
        _ => device.Name,
    };

    /// <summary>Bytes that a GPU had free when it was opened; null for the CPU.</summary>
    public static long? MemoryOf(Device device) => (device as CudaDevice)?.Info.FreeBytes;
}
