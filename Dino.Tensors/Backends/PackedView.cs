namespace Dino.Tensors.Backends;

/// <summary>What a backend sees of a packed weight: memory whose layout is its own business, and what the weight was.</summary>
/// <param name="Address">First byte, on a cache line.</param>
/// <param name="Format">How the values are stored.</param>
/// <param name="Outputs">N: rows of the weight.</param>
/// <param name="Inputs">K: columns of the weight.</param>
public readonly record struct PackedView(nint Address, WeightFormat Format, int Outputs, int Inputs);
