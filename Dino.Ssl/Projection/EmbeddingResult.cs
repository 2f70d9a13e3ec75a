namespace Dino.Ssl.Projection;

/// <summary>Points in the plane.</summary>
/// <param name="X">[N].</param>
/// <param name="Y">[N].</param>
/// <param name="Iterations">Iterations done.</param>
/// <param name="Divergence">Of t-SNE: Kullback-Leibler divergence of the probabilities in the plane from those of the features. Null for other methods.</param>
public sealed record EmbeddingResult(float[] X, float[] Y, int Iterations, double? Divergence);
