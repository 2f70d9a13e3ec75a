namespace Dino.Tensors;

/// <summary>How values between grid points are found.</summary>
public enum Interpolation : byte
{
    /// <summary>The value of the cell that contains the point.</summary>
    Nearest,

    /// <summary>Linear in each direction.</summary>
    Bilinear,

    /// <summary>Cubic convolution; a = -0.75, or -0.5 with antialiasing, as in torch.</summary>
    Bicubic,
}
