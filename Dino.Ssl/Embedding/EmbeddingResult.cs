using Dino.Ssl.Data;

namespace Dino.Ssl.Embedding;

/// <summary>What a <see cref="FolderEmbedding"/> came to.</summary>
/// <param name="Count">Rows of the file, N.</param>
/// <param name="Width">Length of a row, D.</param>
/// <param name="Computed">Rows that this run computed; the others were there.</param>
/// <param name="Skipped">Pictures without a row.</param>
public sealed record EmbeddingResult(int Count, int Width, int Computed, IReadOnlyList<SkippedPicture> Skipped)
{
    /// <summary>Rows of pictures that the file did not hold before.</summary>
    public int Added { get; init; }

    /// <summary>Rows of pictures whose file has changed.</summary>
    public int Changed { get; init; }

    /// <summary>Pictures that the file held before and holds no longer: they are gone, or cannot be read any more.</summary>
    public int Removed { get; init; }

    /// <summary>Rows that are as they were.</summary>
    public int Kept => Count - Added - Changed;
}
