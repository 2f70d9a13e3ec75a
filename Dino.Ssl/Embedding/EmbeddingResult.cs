using Dino.Ssl.Data;

namespace Dino.Ssl.Embedding;

/// <summary>What a <see cref="FolderEmbedding"/> came to.</summary>
/// <param name="Count">Rows of the file, N.</param>
/// <param name="Width">Length of a row, D.</param>
/// <param name="Computed">Rows that this run computed; the others were there.</param>
/// <param name="Skipped">Pictures without a row.</param>
public sealed record EmbeddingResult(int Count, int Width, int Computed, IReadOnlyList<SkippedPicture> Skipped);
