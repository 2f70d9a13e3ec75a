namespace Dino.Cuda.Native;

/// <summary>What a shared library is called, newest version first, and where it comes from.</summary>
/// <param name="IsInToolkit">Part of the CUDA toolkit and of Python wheels. The driver is not: it has to fit the kernel, so only the system's is right.</param>
/// <param name="Remedy">A sentence that says how to get it.</param>
internal sealed record LibraryNames(string Title, string[] OnLinux, string[] OnWindows, bool IsInToolkit, string Remedy)
{
    public static LibraryNames Driver { get; } = new("NVIDIA driver library", ["libcuda.so.1"], ["nvcuda.dll"], false,
        "CUDA needs an NVIDIA GPU and its driver: install the driver; a container must be started with access to the GPU.");

    public static LibraryNames CublasLt { get; } = OfToolkit("cuBLASLt", "cublasLt");

    public static LibraryNames Cublas { get; } = OfToolkit("cuBLAS", "cublas");

    private static LibraryNames OfToolkit(string title, string stem)
    {
        int[] versions = [13, 12, 11];
        return new(title, [.. versions.Select(version => $"lib{stem}.so.{version}")], [.. versions.Select(version => $"{stem}64_{version}.dll")], true,
            $"Install the CUDA toolkit or the Python wheel nvidia-cublas, or name the folder of the library in {LibrarySearch.PathVariable}.");
    }
}
