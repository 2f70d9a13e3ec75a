using Dino.Nn;
using Dino.Tensors;

namespace Dino.Ssl.Retrieval;

/// <summary>Features of a picture at several sizes, summed and normalised: what the official retrieval of DINO uses.</summary>
public static class MultiScale
{
    /// <summary>The official scales: 1, 1 / √2 and 1 / 2.</summary>
    public static IReadOnlyList<double> OfficialScales { get; } = [1, 1 / Math.Sqrt(2), 0.5];

    /// <summary>Features of pictures.</summary>
    /// <param name="backbone">Takes any size that is at least a patch.</param>
    /// <param name="pictures">[B, C, H, W], normalised pixels.</param>
    /// <param name="scales">Factors of both sides; the official ones if null.</param>
    /// <returns>[B, D], unit rows, in the scope of the pictures.</returns>
    /// <exception cref="ArgumentException">No scale, or one that is not positive.</exception>
    public static Tensor Features(Backbone backbone, Tensor pictures, IReadOnlyList<double>? scales = null)
    {
        scales ??= OfficialScales;
        if (scales.Count == 0 || !scales.All(scale => scale > 0 && double.IsFinite(scale)))
            throw new ArgumentException($"Scales must be positive: [{string.Join(", ", scales)}].", nameof(scales));
        Tensor sum = default;
        foreach (double scale in scales)
        {
            Tensor features = backbone.Forward(scale == 1 ? pictures : Resize(pictures, scale));
            sum = sum.Exists ? sum + features : features;
        }

        // Dividing by their number changes no direction.
        return sum.Normalize();
    }

    /// <summary>Bilinear without averaging, corners not aligned, positions by the factor and not by the sizes: as the official code calls torch's interpolate.</summary>
    /// <param name="pictures">[B, C, H, W].</param>
    /// <param name="scale">Factor of both sides; lengths are cut to whole pixels.</param>
    public static Tensor Resize(Tensor pictures, double scale)
    {
        Shape shape = pictures.Shape;
        (int height, int width) = ((int)Math.Floor(shape[2] * scale), (int)Math.Floor(shape[3] * scale));
        if (height < 1 || width < 1)
            throw new ArgumentException($"At a scale of {scale} nothing is left of {shape[2]} x {shape[3]} pixels.", nameof(scale));
        float[] source = pictures.ToArray(), resized = new float[(long)shape[0] * shape[1] * height * width];
        (int[] rows, float[] down) = Places(shape[2], height, scale);
        (int[] columns, float[] right) = Places(shape[3], width, scale);
        Parallel.For(0, shape[0] * shape[1], plane =>
        {
            ReadOnlySpan<float> from = source.AsSpan(plane * shape[2] * shape[3], shape[2] * shape[3]);
            Span<float> to = resized.AsSpan(plane * height * width, height * width);
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<float> upper = from.Slice(rows[y] * shape[3], shape[3]), lower = from.Slice(Math.Min(rows[y] + 1, shape[2] - 1) * shape[3], shape[3]);
                for (int x = 0; x < width; x++)
                {
                    (int first, int second) = (columns[x], Math.Min(columns[x] + 1, shape[3] - 1));
                    float above = (upper[first] * (1 - right[x])) + (upper[second] * right[x]), below = (lower[first] * (1 - right[x])) + (lower[second] * right[x]);
                    to[(y * width) + x] = (above * (1 - down[y])) + (below * down[y]);
                }
            }
        });
        return Scope.Of(nameof(Resize), pictures).Upload<float>(resized, [shape[0], shape[1], height, width]);
    }

    /// <summary>The source pixel before each target pixel and its distance from it.</summary>
    private static (int[] First, float[] Weight) Places(int length, int target, double scale)
    {
        int[] first = new int[target];
        float[] weight = new float[target];
        for (int i = 0; i < target; i++)
        {
            double at = Math.Max(0, ((i + 0.5) / scale) - 0.5);
            first[i] = Math.Min((int)at, length - 1);
            weight[i] = (float)(at - first[i]);
        }

        return (first, weight);
    }
}
