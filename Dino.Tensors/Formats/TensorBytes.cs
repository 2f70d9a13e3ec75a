namespace Dino.Tensors.Formats;

/// <summary>Hands out the bytes of a tensor at the moment they are written, little-endian and row-major.</summary>
public delegate ReadOnlySpan<byte> TensorBytes();
