namespace Dino.Ssl.Matching;

/// <summary>Two patches that show the same to a network.</summary>
/// <param name="First">Index of the patch in the first picture, row by row.</param>
/// <param name="Second">Index of the patch in the second picture.</param>
/// <param name="Similarity">Cosine of their features, -1 to 1.</param>
public readonly record struct PatchMatch(int First, int Second, float Similarity);
