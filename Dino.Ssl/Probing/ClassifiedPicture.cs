namespace Dino.Ssl.Probing;

/// <summary>What a classifier says of one picture.</summary>
/// <param name="Path">The file.</param>
/// <param name="Classes">The most probable classes, best first.</param>
public sealed record ClassifiedPicture(string Path, IReadOnlyList<ClassPrediction> Classes);
