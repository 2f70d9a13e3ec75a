using System.Runtime.InteropServices;
using Dino.Cuda.Native;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>A host on whose devices work does not wait for events.</summary>
internal sealed unsafe class DeafHost(ILibraryHost host) : ILibraryHost
{
    public bool IsWindows => host.IsWindows;

    public string? Variable(string name) => host.Variable(name);

    public IEnumerable<string> FoldersIn(string folder) => host.FoldersIn(folder);

    public bool FileExists(string path) => host.FileExists(path);

    public bool TryLoad(string pathOrName, out nint handle) => host.TryLoad(pathOrName, out handle);

    public nint Export(nint library, string name) => name == "cuStreamWaitEvent" ? (nint)(delegate* unmanaged<nint, nint, uint, int>)&GoOn : host.Export(library, name);

    [UnmanagedCallersOnly]
    private static int GoOn(nint stream, nint awaited, uint flags) => 0;
}
