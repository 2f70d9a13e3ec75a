namespace Dino.Tensors.Backends;

/// <summary>
/// A square view of a picture and what is done to it, in the order of the members and in the units of the arithmetic. The picture is RGB bytes, channels
/// interleaved, rows without gaps.
/// </summary>
public readonly record struct PictureCrop
{
    /// <summary>First byte of the picture, counted from the first byte that was uploaded.</summary>
    public long Pixels { get; init; }

    /// <summary>Columns of the picture.</summary>
    public int PictureWidth { get; init; }

    /// <summary>First column of the box that is resized.</summary>
    public int Left { get; init; }

    /// <summary>First row of the box.</summary>
    public int Top { get; init; }

    /// <summary>Columns of the box.</summary>
    public int Width { get; init; }

    /// <summary>Rows of the box.</summary>
    public int Height { get; init; }

    /// <summary>Mirrored left and right.</summary>
    public bool Flip { get; init; }

    /// <summary>Changes of colour, in order.</summary>
    public ColorSteps Steps { get; init; }

    /// <summary>Factor, where it is among <see cref="Steps"/>; so are the next ones.</summary>
    public float Brightness { get; init; }

    /// <summary>Factor.</summary>
    public float Contrast { get; init; }

    /// <summary>Factor.</summary>
    public float Saturation { get; init; }

    /// <summary>What is added to the hue byte, 0 to 255.</summary>
    public int HueShift { get; init; }

    /// <summary>All channels become the luma.</summary>
    public bool Grayscale { get; init; }

    /// <summary>Full taps on each side of the middle of the box that blurs; see <see cref="BlurFull"/>.</summary>
    public int BlurRadius { get; init; }

    /// <summary>
    /// Weight of a full tap, 0 for no blur. Three times along the rows, then along the columns, each pixel becomes
    /// (full · Σ of 2r + 1 pixels + edge · (the pixels beside them) + 2^23) >> 24; the border repeats.
    /// </summary>
    public uint BlurFull { get; init; }

    /// <summary>Weight of each outer tap.</summary>
    public uint BlurEdge { get; init; }

    /// <summary>First value that is inverted, 256 for none.</summary>
    public int SolarizeThreshold { get; init; }
}
