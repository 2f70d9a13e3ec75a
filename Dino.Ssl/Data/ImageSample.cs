namespace Dino.Ssl.Data;

/// <summary>One picture of a folder.</summary>
/// <param name="Path">The file.</param>
/// <param name="Class">Index into <see cref="ImageFolder.Classes"/>, or -1 in a folder without classes.</param>
public readonly record struct ImageSample(string Path, int Class);

/// <summary>A file that was left out of training because it cannot be read or decoded.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record SkippedPicture(string Path, string Reason);
