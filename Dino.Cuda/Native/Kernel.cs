namespace Dino.Cuda.Native;

/// <summary>A kernel of a module, ready to be launched.</summary>
/// <param name="name">Its name in the PTX.</param>
/// <param name="function">The driver's handle.</param>
internal sealed class Kernel(string name, nint function)
{
    /// <summary>Its name in the PTX.</summary>
    public string Name { get; } = name;

    /// <summary>The driver's handle.</summary>
    public nint Function { get; } = function;

    /// <summary>Dynamic shared memory that a launch may ask for; up to 48 KiB need no permission.</summary>
    public int MaxSharedBytes { get; set; } = 48 << 10;
}
