namespace Dino.Ssl.Plots;

/// <summary>How a coarse map is brought to the size of a picture.</summary>
public enum Upsampling
{
    /// <summary>Every cell a flat rectangle: shows what was computed.</summary>
    Nearest,

    /// <summary>Linear between the centres of the cells: easier on the eye.</summary>
    Bilinear,
}
