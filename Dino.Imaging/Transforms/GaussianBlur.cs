using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>
/// Gaussian blur as Pillow makes it: three extended box blurs along the rows, then three along the columns, each rounded to
/// bytes. Keeps its buffers, so a warm instance allocates nothing; one instance per thread.
/// </summary>
/// <remarks>Gwosdek et al. 2011, "Theoretical foundations of Gaussian convolution by extended box filtering".</remarks>
public sealed class GaussianBlur
{
    private const int Passes = 3;

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
        BoxKernel box = BoxKernel.ForGaussian(radius, Passes);
        for (int channel = 0; channel < 3; channel++)
        {
            Span<byte> plane = image.Plane(channel);
            for (int y = 0; y < image.Height; y++)
                AlongRow(box, plane.Slice(y * image.Width, image.Width));
            AlongColumns(box, plane, image.Width, image.Height);
        }
    }

    private void AlongRow(BoxKernel box, Span<byte> row)
    {
        int margin = box.Radius + 1, width = row.Length;
        Reserve(margin + width + margin);
        byte[] from = _a, to = _b;
        row.CopyTo(from.AsSpan(margin));
        for (int pass = 0; pass < Passes; pass++)
        {
            from.AsSpan(0, margin).Fill(from[margin]);
            from.AsSpan(margin + width, margin).Fill(from[margin + width - 1]);
            box.Apply(from, 1, width, to.AsSpan(margin));
            (from, to) = (to, from);
        }

        from.AsSpan(margin, width).CopyTo(row);
    }

    private void AlongColumns(BoxKernel box, Span<byte> plane, int width, int height)
    {
        int margin = box.Radius + 1;
        Reserve(checked((margin + height + margin) * width));
        byte[] from = _a, to = _b;
        plane.CopyTo(from.AsSpan(margin * width));
        for (int pass = 0; pass < Passes; pass++)
        {
            Span<byte> rows = from;
            for (int m = 0; m < margin; m++)
            {
                rows.Slice(margin * width, width).CopyTo(rows[(m * width)..]);
                rows.Slice((margin + height - 1) * width, width).CopyTo(rows[((margin + height + m) * width)..]);
            }

            // Rows lie one after the other, so one call does the whole plane.
            box.Apply(from, width, plane.Length, to.AsSpan(margin * width));
            (from, to) = (to, from);
        }

        from.AsSpan(margin * width, plane.Length).CopyTo(plane);
    }

    private void Reserve(int length)
    {
        int padded = checked(length + BoxKernel.ReadAhead);
        if (_a.Length < padded)
            (_a, _b) = (new byte[padded], new byte[padded]);
    }
}
