using Dino.Imaging.Transforms;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Data;

/// <summary>Everything random about one view of one picture, decided: steps in the order of the members, then normalisation.</summary>
public readonly record struct ViewRecipe
{
    /// <summary>The part of the picture that is resized.</summary>
    public PixelBox Box { get; init; }

    /// <summary>Mirrored left and right.</summary>
    public bool Flip { get; init; }

    /// <summary>Which colour properties change, in order; none without jitter.</summary>
    public ColorSteps Jitter { get; init; }

    /// <summary>Factor, where it is among <see cref="Jitter"/>.</summary>
    public float Brightness { get; init; }

    /// <summary>As <see cref="Brightness"/>.</summary>
    public float Contrast { get; init; }

    /// <summary>As <see cref="Brightness"/>.</summary>
    public float Saturation { get; init; }

    /// <summary>Shift as part of a full turn, where it is among <see cref="Jitter"/>.</summary>
    public double Hue { get; init; }

    /// <summary>Colour dropped.</summary>
    public bool Grayscale { get; init; }

    /// <summary>Standard deviation of the blur in pixels of the view; 0 for none.</summary>
    public float BlurRadius { get; init; }

    /// <summary>First inverted value; 256 for none.</summary>
    public int SolarizeThreshold { get; init; }
}
