using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>Colour changes in place, exactly as torchvision makes them through Pillow. Factor 1 changes nothing, 0 removes the property.</summary>
public static class ColorTransforms
{
    /// <summary>Scales towards or away from black.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="factor">At least 0.</param>
    public static void Brightness(PlanarImage image, float factor)
    {
        Require(image, factor);
        ColorKernels.BlendWith(image.Padded, 0, factor);
    }

    /// <summary>Scales towards or away from one gray: the mean of the grayscale picture, rounded to a byte.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="factor">At least 0.</param>
    public static void Contrast(PlanarImage image, float factor)
    {
        Require(image, factor);
        double mean = (double)ColorKernels.GraySum(image) / ((long)image.Width * image.Height);
        ColorKernels.BlendWith(image.Padded, (int)(mean + 0.5), factor);
    }

    /// <summary>Scales towards or away from the grayscale picture.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="factor">At least 0.</param>
    public static void Saturation(PlanarImage image, float factor)
    {
        Require(image, factor);
        ColorKernels.BlendWithGray(image, factor);
    }

    /// <summary>Turns the hue circle, through Pillow's 8-bit HSV; a shift of 0 still rounds through HSV.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="shift">Part of a full turn, -0.5 to 0.5.</param>
    public static void Hue(PlanarImage image, double shift)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(shift is >= -0.5 and <= 0.5))
            throw new ArgumentOutOfRangeException(nameof(shift), shift, "A hue shift is a part of a full turn between -0.5 and 0.5.");
        HueKernel.Shift(image, HueShift(shift));
    }

    /// <summary>All three channels become the luma of ITU-R 601 in 16-bit fixed point.</summary>
    public static void Grayscale(PlanarImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        ColorKernels.Gray(image);
    }

    /// <summary>Inverts every value from <paramref name="threshold"/> on.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="threshold">0 inverts everything, 256 nothing.</param>
    public static void Solarize(PlanarImage image, int threshold = 128)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)threshold, 256u, nameof(threshold));
        if (threshold < 256)
            ColorKernels.Solarize(image.Padded, (byte)threshold);
    }

    /// <summary>What a shift adds to the hue byte.</summary>
    internal static int HueShift(double shift) => (int)(shift * 255) & 0xFF;

    private static void Require(PlanarImage image, float factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(factor >= 0 && float.IsFinite(factor)))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A factor is finite and not negative.");
    }
}
