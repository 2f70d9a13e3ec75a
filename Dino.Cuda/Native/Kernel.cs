namespace Dino.Cuda.Native;

/// <summary>A kernel of a module, ready to be launched.</summary>
/// <param name="Name">Its name in the PTX.</param>
/// <param name="Function">The driver's handle.</param>
internal sealed record Kernel(string Name, nint Function);
