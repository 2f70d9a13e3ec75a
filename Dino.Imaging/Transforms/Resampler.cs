using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>
/// Resizes a picture, or a box of it, exactly as Pillow does: antialiased, 8-bit fixed point, rows first and rounded to bytes
/// before columns. Keeps its tables and buffers, so a warm instance allocates nothing; one instance per thread.
/// </summary>
public sealed class Resampler
{
    private readonly ResampleWeights _columns = new();
    private readonly ResampleWeights _rows = new();
    private short[] _packed = [];
    private byte[] _narrowed = [];
    private byte[] _row = [];

    /// <summary>Resizes a whole picture.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="width">Target columns.</param>
    /// <param name="height">Target rows.</param>
    /// <param name="filter">Weighting of source pixels.</param>
    /// <param name="destination">Receives the result.</param>
    public void Resize(Image source, int width, int height, ResizeFilter filter, PlanarImage destination) =>
        Resize(source, PixelBox.Of(source), width, height, filter, flip: false, destination);

    /// <summary>Crops, resizes and optionally mirrors in one go. Pixels outside the box have no influence, as after a crop.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="box">The part to resize.</param>
    /// <param name="width">Target columns.</param>
    /// <param name="height">Target rows.</param>
    /// <param name="filter">Weighting of source pixels.</param>
    /// <param name="flip">True to mirror left and right.</param>
    /// <param name="destination">Receives the result.</param>
    /// <exception cref="ArgumentOutOfRangeException">The box is empty or leaves the picture, or a side is not positive.</exception>
    public void Resize(Image source, PixelBox box, int width, int height, ResizeFilter filter, bool flip, PlanarImage destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        Geometry.RequireInside(box, source.Width, source.Height);
        destination.Reset(width, height);
        // The extra vector takes the byte that the horizontal pass writes behind its last pixel.
        int stride = checked((3 * width) + 32 + 31) & ~31;
        Reserve(ref _row, Math.Max(stride, checked((3 * box.Width) + ResamplePasses.ReadAhead)));
        if (filter == ResizeFilter.Nearest)
        {
            Nearest(source, box, flip, destination);
            return;
        }

        _columns.Compute(box.Width, width, filter, flip);
        _rows.Compute(box.Height, height, filter, mirror: false);
        Reserve(ref _narrowed, checked(stride * box.Height));
        Narrow(source, box, stride);
        for (int y = 0; y < height; y++)
        {
            int count = _rows.Count[y];
            ResamplePasses.Vertical(_rows.Values.AsSpan(y * _rows.Taps, count), _narrowed.AsSpan(_rows.Start[y] * stride, count * stride), stride, _row);
            destination.SetRow(y, _row.AsSpan(0, stride));
        }
    }

    /// <summary>Resizes a whole picture into a new one.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="width">Target columns.</param>
    /// <param name="height">Target rows.</param>
    /// <param name="filter">Weighting of source pixels.</param>
    public static Image Resize(Image source, int width, int height, ResizeFilter filter = ResizeFilter.Bicubic)
    {
        PlanarImage result = new();
        new Resampler().Resize(source, width, height, filter, result);
        return result.ToImage();
    }

    private void Narrow(Image source, PixelBox box, int stride)
    {
        int packed = ResamplePasses.UsesPackedWeights ? checked(_columns.Length * _columns.Taps * 8) : 0;
        if (_packed.Length < packed)
            _packed = new short[packed];
        if (packed > 0)
            ResamplePasses.Pack(_columns, _packed);
        ReadOnlySpan<byte> pixels = source.Pixels;
        for (int y = 0; y < box.Height; y++)
        {
            int at = 3 * (((box.Top + y) * source.Width) + box.Left);
            ReadOnlySpan<byte> row = pixels[at..];
            if (row.Length < (3 * box.Width) + ResamplePasses.ReadAhead)
            {
                // At the end of the picture there is nothing to read ahead into.
                row[..(3 * box.Width)].CopyTo(_row);
                row = _row;
            }

            ResamplePasses.Horizontal(_columns, _packed, row, _narrowed.AsSpan(y * stride, stride));
        }
    }

    private void Nearest(Image source, PixelBox box, bool flip, PlanarImage destination)
    {
        double scaleX = (double)box.Width / destination.Width, scaleY = (double)box.Height / destination.Height;
        // Positions are summed up rather than multiplied out, as in the reference: the last bit decides ties.
        double fromY = 0.5 * scaleY;
        for (int y = 0; y < destination.Height; y++, fromY += scaleY)
        {
            ReadOnlySpan<byte> row = source.Row(box.Top + Math.Min((int)fromY, box.Height - 1));
            double fromX = 0.5 * scaleX;
            for (int x = 0; x < destination.Width; x++, fromX += scaleX)
            {
                int target = 3 * (flip ? destination.Width - 1 - x : x);
                row.Slice(3 * (box.Left + Math.Min((int)fromX, box.Width - 1)), 3).CopyTo(_row.AsSpan(target));
            }

            destination.SetRow(y, _row.AsSpan(0, 3 * destination.Width));
        }
    }

    private static void Reserve(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new byte[length];
    }
}
