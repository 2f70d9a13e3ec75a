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
    public void Resize(Image source, PixelBox box, int width, int height, ResizeFilter filter, bool flip, PlanarImage destination) =>
        Resize(source, box, width, height, new PixelBox(0, 0, width, height), filter, flip, destination);

    /// <summary>Resizes a whole picture, of which only a part is made: the same bytes as a crop afterwards, at the cost of the part, however long the picture is.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="width">Columns of the whole result.</param>
    /// <param name="height">Rows of the whole result.</param>
    /// <param name="window">The part of the result to make.</param>
    /// <param name="filter">Weighting of source pixels.</param>
    /// <param name="destination">Receives the part.</param>
    /// <exception cref="ArgumentOutOfRangeException">The window is empty or leaves the result, or a side is not positive.</exception>
    public void Resize(Image source, int width, int height, PixelBox window, ResizeFilter filter, PlanarImage destination)
    {
        Geometry.RequireInside(window, width, height);
        Resize(source, PixelBox.Of(source), width, height, window, filter, flip: false, destination);
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

    /// <summary>The window is a part of the result before it is mirrored.</summary>
    private void Resize(Image source, PixelBox box, int width, int height, PixelBox window, ResizeFilter filter, bool flip, PlanarImage destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        Geometry.RequireInside(box, source.Width, source.Height);
        destination.Reset(window.Width, window.Height);
        // The extra vector takes the byte that the horizontal pass writes behind its last pixel.
        int stride = checked((3 * window.Width) + 32 + 31) & ~31;
        Reserve(ref _row, Math.Max(stride, checked((3 * box.Width) + ResamplePasses.ReadAhead)));
        if (filter == ResizeFilter.Nearest)
        {
            Nearest(source, box, (double)box.Width / width, (double)box.Height / height, window, flip, destination);
            return;
        }

        _columns.Compute(box.Width, width, window.Left, window.Width, filter, flip);
        _rows.Compute(box.Height, height, window.Top, window.Height, filter, mirror: false);
        // Windows of the filter begin and end in the order of the rows.
        int first = _rows.Start[0], count = _rows.Start[window.Height - 1] + _rows.Count[window.Height - 1] - first;
        Reserve(ref _narrowed, checked(stride * count));
        Narrow(source, box with { Top = box.Top + first, Height = count }, stride);
        for (int y = 0; y < window.Height; y++)
        {
            int taps = _rows.Count[y];
            ResamplePasses.Vertical(_rows.Values.AsSpan(y * _rows.Taps, taps), _narrowed.AsSpan((_rows.Start[y] - first) * stride, taps * stride), stride, _row);
            destination.SetRow(y, _row.AsSpan(0, stride));
        }
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

    private void Nearest(Image source, PixelBox box, double scaleX, double scaleY, PixelBox window, bool flip, PlanarImage destination)
    {
        double left = From(window.Left, scaleX), fromY = From(window.Top, scaleY);
        for (int y = 0; y < window.Height; y++, fromY += scaleY)
        {
            ReadOnlySpan<byte> row = source.Row(box.Top + Math.Min((int)fromY, box.Height - 1));
            double fromX = left;
            for (int x = 0; x < window.Width; x++, fromX += scaleX)
            {
                int target = 3 * (flip ? window.Width - 1 - x : x);
                row.Slice(3 * (box.Left + Math.Min((int)fromX, box.Width - 1)), 3).CopyTo(_row.AsSpan(target));
            }

            destination.SetRow(y, _row.AsSpan(0, 3 * window.Width));
        }

        // Positions are summed up rather than multiplied out, as in the reference: the last bit decides ties.
        static double From(int index, double scale)
        {
            double from = 0.5 * scale;
            for (int i = 0; i < index; i++)
                from += scale;
            return from;
        }
    }

    private static void Reserve(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new byte[length];
    }
}
