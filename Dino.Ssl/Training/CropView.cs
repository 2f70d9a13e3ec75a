namespace Dino.Ssl.Training;

/// <summary>One view of every picture of a batch.</summary>
/// <param name="Pixels">Normalised pixels [B, 3, Height, Width].</param>
/// <param name="Height">Pixels.</param>
/// <param name="Width">Pixels.</param>
public readonly record struct CropView(ReadOnlyMemory<float> Pixels, int Height, int Width);
