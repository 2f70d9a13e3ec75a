using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>
/// Gaussian blur as Pillow makes it: three extended box blurs along the rows, then three along the columns, each rounded to
/// bytes. Keeps its buffers, so a warm instance allocates nothing; one instance per thread.
/// </summary>
/// <remarks>Gwosdek et al. 2011, "Theoretical foundations of Gaussian convolution by extended box filtering".</remarks>
public sealed class GaussianBlur
{
    /// <summary>Box blurs in each direction.</summary>
    internal const int Passes = 3;

    private byte[] _a = [];
    private byte[] _b = [];

    /// <summary>Blurs in place; beyond the border the border pixel repeats.</summary>
    /// <param name="image">Changed in place.</param>
    /// <param name="radius">Standard deviation in pixels, at least 0.</param>
    public void Apply(PlanarImage image, float radius)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(radius >= 0 && float.IsFinite(radius)))
            throw new ArgumentOutOfRangeException(nameof(radius), radius, "A blur radius is finite and not negative.");
        if (radius == 0)
            return;
        if (image.Width == 0)
            return;
        BoxKernel box = BoxKernel.ForGaussian(radius, Passes);
        // Row y of the three planes side by side, each with a margin left and right; margins of whole rows above and below. So
        // every pass is one run over all memory, whatever the size of the picture; what it computes for margins is overwritten.
        int margin = box.Radius + 1;
        int pitch = checked(image.Width + (2 * margin)), stride = checked(3 * pitch), length = checked((image.Height + (2 * margin)) * stride);
        Reserve(length);
        CopyIn(image, _a, margin, pitch);
        (byte[] from, byte[] to) = (_a, _b);
        for (int pass = 0; pass < Passes; pass++, (from, to) = (to, from))
        {
            RepeatSides(from, margin, pitch, margin * stride, image.Height * 3);
            box.Apply(from, 1, length - (2 * margin), to.AsSpan(margin));
        }

        for (int pass = 0; pass < Passes; pass++, (from, to) = (to, from))
        {
            RepeatEnds(from, margin, stride, image.Height);
            box.Apply(from, stride, image.Height * stride, to.AsSpan(margin * stride));
        }

        CopyOut(from, image, margin, pitch);
    }

    private static void CopyIn(PlanarImage image, byte[] buffer, int margin, int pitch)
    {
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<byte> plane = image.Plane(channel);
            for (int y = 0; y < image.Height; y++)
                plane.Slice(y * image.Width, image.Width).CopyTo(buffer.AsSpan((((margin + y) * 3) + channel) * pitch + margin));
        }
    }

    private static void CopyOut(byte[] buffer, PlanarImage image, int margin, int pitch)
    {
        for (int channel = 0; channel < 3; channel++)
        {
            Span<byte> plane = image.Plane(channel);
            for (int y = 0; y < image.Height; y++)
                buffer.AsSpan((((margin + y) * 3) + channel) * pitch + margin, image.Width).CopyTo(plane[(y * image.Width)..]);
        }
    }

    /// <summary>Fills the margins left and right of each row with its first and last byte.</summary>
    private static void RepeatSides(Span<byte> buffer, int margin, int pitch, int first, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            Span<byte> line = buffer.Slice(first + (row * pitch), pitch);
            (byte left, byte right) = (line[margin], line[pitch - margin - 1]);
            // Margins are 1 or 2 bytes in every common case: a loop beats a fill.
            for (int i = 0; i < margin; i++)
                (line[i], line[pitch - 1 - i]) = (left, right);
        }
    }

    /// <summary>Fills the margins above and below with the first and last row.</summary>
    private static void RepeatEnds(Span<byte> buffer, int margin, int stride, int height)
    {
        for (int i = 0; i < margin; i++)
        {
            buffer.Slice(margin * stride, stride).CopyTo(buffer[(i * stride)..]);
            buffer.Slice((margin + height - 1) * stride, stride).CopyTo(buffer[((margin + height + i) * stride)..]);
        }
    }

    private void Reserve(int length)
    {
        int padded = checked(length + BoxKernel.ReadAhead);
        if (_a.Length < padded)
            (_a, _b) = (new byte[padded], new byte[padded]);
    }
}
