namespace Dino.Tests.Cuda.Emulator;

/// <summary>A kernel did what it must not.</summary>
/// <param name="lane">The lane of the running warp that did it; below 0 if it was the warp or the block.</param>
internal sealed class KernelFault(int lane, string reason) : Exception(reason)
{
    public int Lane { get; } = lane;
}
