using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>Bytes to floats as torchvision's ToTensor and Normalize: (v / 255 - mean) / std per channel, each step rounded to F32.</summary>
public sealed record PixelNormalization
{
    /// <summary>The statistics of ImageNet that every released DINO model expects.</summary>
    public static PixelNormalization ImageNet { get; } = new() { Mean = (0.485f, 0.456f, 0.406f), StandardDeviation = (0.229f, 0.224f, 0.225f) };

    /// <summary>Only v / 255: values in 0..1.</summary>
    public static PixelNormalization None { get; } = new();

    /// <summary>Mean of each channel, in units of 0..1.</summary>
    public (float Red, float Green, float Blue) Mean { get; init; }

    /// <summary>Standard deviation of each channel, in units of 0..1; not 0.</summary>
    public (float Red, float Green, float Blue) StandardDeviation { get; init; } = (1, 1, 1);

    /// <exception cref="ArgumentException">A value is not finite or a standard deviation is not positive.</exception>
    public void Validate()
    {
        if (!float.IsFinite(Mean.Red + Mean.Green + Mean.Blue))
            throw new ArgumentException($"The mean {Mean} is not finite.");
        (float red, float green, float blue) = StandardDeviation;
        if (!(red > 0 && green > 0 && blue > 0 && float.IsFinite(red + green + blue)))
            throw new ArgumentException($"The standard deviation {StandardDeviation} must be positive and finite in every channel.");
    }

    /// <summary>Writes a picture as planar floats.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="destination">[3, Height, Width].</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Write(PlanarImage image, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(image);
        int count = image.Width * image.Height;
        if (destination.Length != 3 * count)
            throw new ArgumentException($"A picture of {image.Width} x {image.Height} pixels fills [3, {image.Height}, {image.Width}] = {3 * count} floats, the destination has {destination.Length}.", nameof(destination));
        WritePlane(image, 0, Mean.Red, StandardDeviation.Red, destination[..count]);
        WritePlane(image, 1, Mean.Green, StandardDeviation.Green, destination.Slice(count, count));
        WritePlane(image, 2, Mean.Blue, StandardDeviation.Blue, destination[(2 * count)..]);
    }

    /// <summary>Writes the red channel alone, with its statistics: that of a picture without colours is its brightness.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="destination">[Height, Width].</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void WriteRed(PlanarImage image, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (destination.Length != image.Width * image.Height)
            throw new ArgumentException($"A channel of {image.Width} x {image.Height} pixels fills {image.Width * image.Height} floats, the destination has {destination.Length}.", nameof(destination));
        WritePlane(image, 0, Mean.Red, StandardDeviation.Red, destination);
    }

    /// <summary>Normalises planar floats from 0 to 1 in place: (v - mean) / std.</summary>
    /// <param name="pixels">[3, Height, Width].</param>
    public void Normalize(Span<float> pixels)
    {
        int count = pixels.Length / 3;
        NormalizePlane(pixels[..count], Mean.Red, StandardDeviation.Red);
        NormalizePlane(pixels.Slice(count, count), Mean.Green, StandardDeviation.Green);
        NormalizePlane(pixels[(2 * count)..], Mean.Blue, StandardDeviation.Blue);
    }

    private static void NormalizePlane(Span<float> plane, float mean, float deviation)
    {
        for (int i = 0; i < plane.Length; i++)
            plane[i] = (plane[i] - mean) / deviation;
    }

    private static void WritePlane(PlanarImage image, int channel, float mean, float deviation, Span<float> destination)
    {
        ref byte bytes = ref MemoryMarshal.GetReference(image.Plane(channel));
        ref float floats = ref MemoryMarshal.GetReference(destination);
        Vector256<float> means = Vector256.Create(mean), deviations = Vector256.Create(deviation), scale = Vector256.Create(255f);
        int i = 0;
        for (; i <= destination.Length - 8; i += 8)
        {
            Vector256<float> unit = Vector256.ConvertToSingle(Lanes.Load(ref bytes, i)) / scale;
            ((unit - means) / deviations).StoreUnsafe(ref floats, (nuint)i);
        }

        ReadOnlySpan<byte> plane = image.Plane(channel);
        for (; i < destination.Length; i++)
            destination[i] = ((plane[i] / 255f) - mean) / deviation;
    }
}
