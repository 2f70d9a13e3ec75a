namespace Dino.Ssl.Plots;

/// <summary>A point of a <see cref="ScatterPlot"/>.</summary>
/// <param name="X">To the right, in any unit.</param>
/// <param name="Y">Downwards, in the same unit.</param>
/// <param name="Group">Index of its group, which gives colour and shape; -1 for none.</param>
/// <param name="Name">Shown where a pointer rests on it.</param>
public readonly record struct ScatterPoint(double X, double Y, int Group, string Name);
