using System.Runtime.InteropServices;

namespace Dino.Cuda.Native;

/// <summary>The launch in a node of a graph (<c>CUDA_KERNEL_NODE_PARAMS_v1</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelNode
{
    public nint Function;
    public uint GridX, GridY, GridZ;
    public uint BlockX, BlockY, BlockZ;
    public uint SharedBytes;
    public void** Parameters;
    public void** Extra;
}
