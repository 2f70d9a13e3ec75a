namespace Dino.Tensors.Backends;

/// <summary>A change of the colours of a picture.</summary>
public enum ColorStep
{
    /// <summary>No change: the end of a sequence.</summary>
    None,

    /// <summary>Scales towards or away from black.</summary>
    Brightness,

    /// <summary>Scales towards or away from the mean gray of the picture.</summary>
    Contrast,

    /// <summary>Scales towards or away from the gray of each pixel.</summary>
    Saturation,

    /// <summary>Turns the hue circle.</summary>
    Hue,
}
