namespace Dino.Cuda;

/// <summary>The kernels of a module for products: one for every tile.</summary>
/// <param name="module">Its name.</param>
internal sealed class ProductKernels(string module)
{
    private readonly string[] _names = [module + "_32", module + "_64", module + "_128"];

    /// <summary>Its name.</summary>
    public string Module { get; } = module;

    /// <summary>The kernel for a tile.</summary>
    public string this[int tile] => _names[tile / 64];
}
