namespace Dino.Ssl.Data;

/// <summary>One picture of a folder.</summary>
/// <param name="Path">The file.</param>
/// <param name="Class">Index into <see cref="ImageFolder.Classes"/>, or -1 in a folder without classes.</param>
public readonly record struct ImageSample(string Path, int Class);
