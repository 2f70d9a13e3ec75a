namespace Dino.Imaging.Transforms;

/// <summary>How <see cref="Resampler"/> weighs source pixels. All but <see cref="Nearest"/> widen when shrinking (antialiasing).</summary>
public enum ResizeFilter
{
    /// <summary>The pixel under the centre of the target pixel, no averaging.</summary>
    Nearest,

    /// <summary>The plain mean of the covered pixels; support 0.5.</summary>
    Box,

    /// <summary>A triangle; support 1.</summary>
    Bilinear,

    /// <summary>A Hamming-windowed sinc; support 1.</summary>
    Hamming,

    /// <summary>Cubic convolution with a = -0.5; support 2. The default of every DINO recipe.</summary>
    Bicubic,

    /// <summary>A sinc windowed by a sinc; support 3.</summary>
    Lanczos,
}
