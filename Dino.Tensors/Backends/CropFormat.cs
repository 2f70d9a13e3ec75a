namespace Dino.Tensors.Backends;

/// <summary>What crops of one tensor have in common.</summary>
/// <param name="Side">Columns and rows.</param>
/// <param name="Filter">Filter of the resize.</param>
/// <param name="Mean">Subtracted from v / 255 of red, green and blue.</param>
/// <param name="Deviation">What the difference is divided by.</param>
public readonly record struct CropFormat(int Side, CropFilter Filter, (float Red, float Green, float Blue) Mean, (float Red, float Green, float Blue) Deviation);
