namespace Dino.Ssl.Data;

/// <summary>A file that was left out of training because it cannot be read or decoded.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record SkippedPicture(string Path, string Reason);
