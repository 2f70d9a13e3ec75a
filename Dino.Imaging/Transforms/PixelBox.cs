namespace Dino.Imaging.Transforms;

/// <summary>A rectangle of whole pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
public readonly record struct PixelBox(int Left, int Top, int Width, int Height)
{
    /// <summary>All of a picture.</summary>
    public static PixelBox Of(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new PixelBox(0, 0, image.Width, image.Height);
    }

    /// <summary>
    /// The central <paramref name="cropWidth"/> x <paramref name="cropHeight"/> pixels of a picture of the given sides, placed as
    /// torchvision's CenterCrop does. Left or top is negative where the picture is smaller than the crop.
    /// </summary>
    public static PixelBox Center(int width, int height, int cropWidth, int cropHeight)
    {
        // A picture that is too small is padded first, the smaller half of an odd rest on the left and on top; what is then
        // large enough is cropped at half the rest, rounded to even. The two rules differ by a pixel for odd rests.
        return new PixelBox(Offset(width, cropWidth), Offset(height, cropHeight), cropWidth, cropHeight);

        static int Offset(int length, int crop) => crop > length
            ? -((crop - length) / 2)
            : (int)Math.Round((length - crop) / 2.0, MidpointRounding.ToEven);
    }

    /// <summary>
    /// Sides after scaling the shorter side to <paramref name="shortSide"/> and the longer in proportion, cut to whole pixels; with
    /// <paramref name="longLimit"/>, both shrink further until the longer side keeps within it.
    /// </summary>
    public static (int Width, int Height) ScaledSides(int width, int height, int shortSide, int? longLimit = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shortSide);
        (int small, int large) = (Math.Min(width, height), Math.Max(width, height));
        int newShort = shortSide, newLong = (int)((double)shortSide * large / small);
        if (longLimit is int limit && newLong > limit)
            (newShort, newLong) = (Math.Max(1, (int)((double)limit * newShort / newLong)), limit);
        return width <= height ? (newShort, newLong) : (newLong, newShort);
    }
}
