namespace Dino.Ssl.Retrieval;

/// <summary>A picture of a group of near-duplicates.</summary>
/// <param name="Path">The file.</param>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Similarity">Likeness to the first picture of the group; 1 for itself.</param>
/// <param name="IsCrop">Whether they are alike only after the edges of one are cut off.</param>
public sealed record DuplicatePicture(string Path, int Width, int Height, long Bytes, double Similarity, bool IsCrop);
