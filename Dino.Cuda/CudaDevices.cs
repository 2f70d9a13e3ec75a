using Dino.Cuda.Native;

namespace Dino.Cuda;

/// <summary>The CUDA devices and libraries of a machine, or the reason why there are none. Looking for them never throws.</summary>
/// <remarks>
/// Nothing native is needed to build or run this: libraries are looked for when asked, first
/// in the folders that the environment variable <c>DINO_CUDA_PATH</c> lists.
/// </remarks>
public sealed class CudaDevices
{
    /// <summary>0 leaves matrix products to the own kernels.</summary>
    private const string LibraryVariable = "DINO_CUDA_CUBLAS";

    /// <summary>Anything but 0 waits for every kernel, so that an error names the one that made it.</summary>
    internal const string SynchronousVariable = "DINO_CUDA_SYNC";

    private readonly DriverTable? _table;
    private readonly CublasLtTable? _products;
    private readonly string _reason;
    private readonly bool _isSynchronous;

    private CudaDevices(
        CudaLibrary driver, CudaLibrary cublasLt, CudaLibrary cublas, DriverTable? table, CublasLtTable? products, IReadOnlyList<CudaDeviceInfo> devices, string reason, bool isSynchronous) =>
        (Driver, CublasLt, Cublas, _table, _products, Devices, _reason, _isSynchronous) = (driver, cublasLt, cublas, table, products, devices, reason, isSynchronous);

    /// <summary>The library of the NVIDIA driver.</summary>
    public CudaLibrary Driver { get; }

    /// <summary>NVIDIA's matrix products with fused epilogues.</summary>
    public CudaLibrary CublasLt { get; }

    /// <summary>NVIDIA's matrix products.</summary>
    public CudaLibrary Cublas { get; }

    /// <summary>All devices, those with a <see cref="CudaDeviceInfo.Problem"/> included.</summary>
    public IReadOnlyList<CudaDeviceInfo> Devices { get; }

    /// <summary>Looks for devices and libraries on this machine. The first call takes a while: it starts the driver and opens every device.</summary>
    public static CudaDevices Find() => Find(new SystemHost());

    /// <summary>Whether some device has no <see cref="CudaDeviceInfo.Problem"/>.</summary>
    /// <param name="reason">If there is none: why, and what to do about it. Empty otherwise.</param>
    public bool IsAvailable(out string reason)
    {
        bool isAvailable = Devices.Any(device => device.Problem is null);
        reason = isAvailable ? "" : _reason;
        return isAvailable;
    }

    /// <summary>Opens a backend on one of the <see cref="Devices"/>.</summary>
    /// <exception cref="InvalidOperationException">There is no such device, or it cannot be used; the message says why.</exception>
    internal CudaBackend Open(int index, CudaPrecision precision)
    {
        CudaContext context = OpenContext(index);
        return new CudaBackend(context, precision, Library(context, precision), _isSynchronous);
    }

    /// <inheritdoc cref="Open"/>
    internal CudaContext OpenContext(int index)
    {
        if (_table is null || Devices.Count == 0)
            throw new InvalidOperationException($"There is no CUDA device. {_reason}");
        if (index < 0 || index >= Devices.Count)
            throw new InvalidOperationException($"There is no CUDA device {index}: {(Devices.Count == 1 ? "the only one has index 0" : $"they are numbered 0 to {Devices.Count - 1}")}.");
        CudaDeviceInfo info = Devices[index];
        if (info.Problem is not null)
            throw new InvalidOperationException($"{info.Name} cannot be used: {info.Problem}");
        return new CudaContext(_table, index);
    }

    private CublasLt? Library(CudaContext context, CudaPrecision precision)
    {
        try
        {
            return _products is null ? null : new CublasLt(_products, context, precision);
        }
        catch (CudaException)
        {
            // A library that does not know this device: there are kernels for all it does.
            return null;
        }
    }

    internal static CudaDevices Find(ILibraryHost host)
    {
        LibrarySearch search = new(host);
        CudaLibrary driver = search.Find(LibraryNames.Driver);
        (DriverTable? table, CudaDeviceInfo[] devices, string reason) = driver.Reason is { } missing ? (null, [], missing) : Ask(host, driver);
        CudaLibrary cublasLt = search.Find(LibraryNames.CublasLt);
        CublasLtTable? products = cublasLt.Handle == 0 || host.Variable(LibraryVariable) == "0" ? null : CublasLtTable.Fill(name => host.Export(cublasLt.Handle, name));
        bool isSynchronous = host.Variable(SynchronousVariable) is { Length: > 0 } and not "0";
        return new CudaDevices(driver, cublasLt, search.Find(LibraryNames.Cublas), table, products, devices, reason, isSynchronous);
    }

    private static (DriverTable? Table, CudaDeviceInfo[] Devices, string Reason) Ask(ILibraryHost host, CudaLibrary driver)
    {
        if (DriverTable.Fill(name => host.Export(driver.Handle, name), out IReadOnlyList<string> missing) is not { } table)
            return (null, [], $"{driver.Location} lacks {string.Join(", ", missing)}: it is older than CUDA 11.4, or no NVIDIA driver. Update the NVIDIA driver.");
        try
        {
            CudaDeviceInfo[] devices = DeviceQuery.Read(table);
            return (table, devices, devices.Length == 0 ? NoDevice("it counts 0 devices.") : string.Join(' ', devices.Select(device => $"{device.Name} cannot be used: {device.Problem}")));
        }
        catch (CudaException error)
        {
            return (null, [], error.Code == (int)CudaResult.NoDevice ? NoDevice(error.Message)
                : $"The NVIDIA driver ({driver.Location}) does not work: {error.Message} Check that nvidia-smi runs; after an update of the driver, restart the machine.");
        }

        string NoDevice(string finding) =>
            $"The NVIDIA driver ({driver.Location}) shows no device: {finding} Check that nvidia-smi lists one, that CUDA_VISIBLE_DEVICES does not hide it, and that a container was started with access to it.";
    }
}
