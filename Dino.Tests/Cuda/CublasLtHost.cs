using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>A machine with a GPU and the library.</summary>
internal sealed class CublasLtHost(EmulatedMachine machine, FakeCublasLt library, string? variable) : ILibraryHost
{
    private const nint Handle = 77;
    private readonly EmulatedHost _driver = new(machine);

    public bool IsWindows => false;

    public static CudaDevice Open(FakeCublasLt library, CudaPrecision precision = CudaPrecision.FP32, EmulatedMachine? machine = null, string? variable = null) =>
        new(CudaDevices.Find(new CublasLtHost(machine ?? new EmulatedMachine(), library, variable)), 0, precision);

    public string? Variable(string name) => name == "DINO_CUDA_CUBLAS" ? variable : null;

    public IEnumerable<string> FoldersIn(string folder) => [];

    public bool FileExists(string path) => false;

    public bool TryLoad(string pathOrName, out nint handle)
    {
        if (pathOrName != LibraryNames.CublasLt.OnLinux[0])
            return _driver.TryLoad(pathOrName, out handle);
        handle = Handle;
        return true;
    }

    public nint Export(nint handle, string name) => handle == Handle ? library.Export(name) : _driver.Export(handle, name);
}
