namespace Dino.Ssl.Projection;

/// <summary>Where an embedding stands.</summary>
/// <param name="Done">Iterations done.</param>
/// <param name="Total">All iterations.</param>
public readonly record struct EmbeddingProgress(int Done, int Total);
