using Dino.Cuda;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>A computer whose driver library is an emulated machine.</summary>
internal sealed class EmulatedHost(EmulatedMachine machine) : ILibraryHost
{
    private const nint Library = 1;

    public bool IsWindows => false;

    /// <summary>A device of its own, on a machine of its own.</summary>
    public static CudaDevice OpenDevice() => OpenDevice(new EmulatedMachine());

    public static CudaDevice OpenDevice(EmulatedMachine machine) => new(CudaDevices.Find(new EmulatedHost(machine)), 0);

    /// <summary>Environment variables.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    public string? Variable(string name) => Variables.GetValueOrDefault(name);

    public IEnumerable<string> FoldersIn(string folder) => [];

    public bool FileExists(string path) => false;

    public bool TryLoad(string pathOrName, out nint handle)
    {
        bool isDriver = pathOrName == LibraryNames.Driver.OnLinux[0];
        handle = isDriver ? Library : 0;
        return isDriver;
    }

    public nint Export(nint library, string name)
    {
        Assert.Equal(Library, library);
        return EmulatedDriver.Export(machine, name);
    }
}
