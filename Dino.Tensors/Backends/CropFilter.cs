namespace Dino.Tensors.Backends;

/// <summary>How a resize weighs source pixels: filters of Pillow whose weights take sums, products and quotients only, which all devices round alike.</summary>
public enum CropFilter
{
    /// <summary>All pixels under the target pixel alike.</summary>
    Box,

    /// <summary>A triangle of two pixels.</summary>
    Bilinear,

    /// <summary>Keys' cubic of four pixels with a = -0.5.</summary>
    Bicubic,
}
