namespace Dino.Cuda;

/// <summary>A shared library that was looked for.</summary>
/// <param name="Name">What it is, such as <c>cuBLASLt</c>.</param>
/// <param name="Location">Its path, or the name under which the system's loader found it; null if there is none.</param>
/// <param name="Reason">Why there is none: which names and folders were tried, and what to do about it; null if it was found.</param>
public sealed record CudaLibrary(string Name, string? Location, string? Reason)
{
    /// <summary>The library as loaded; 0 if there is none.</summary>
    internal nint Handle { get; init; }
}
