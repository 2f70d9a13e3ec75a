namespace Dino.Ssl.Retrieval;

/// <summary>A picture that a search found.</summary>
/// <param name="Index">Its number in <see cref="FeatureIndex.Pictures"/>.</param>
/// <param name="Path">Below the folder of the index, with slashes.</param>
/// <param name="Score">Cosine of the angle between its feature and the query, at most 1.</param>
public readonly record struct SearchHit(int Index, string Path, float Score);
