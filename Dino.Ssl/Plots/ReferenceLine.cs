namespace Dino.Ssl.Plots;

/// <summary>A dashed horizontal line at a value that the curves are to be compared with, such as ln K.</summary>
/// <param name="Label">Text at its right end.</param>
/// <param name="Value">Height on the y axis.</param>
public sealed record ReferenceLine(string Label, double Value);
