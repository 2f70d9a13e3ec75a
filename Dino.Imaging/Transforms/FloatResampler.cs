using System.Numerics;
using System.Runtime.InteropServices;
using Dino.Imaging.Transforms.Kernels;

namespace Dino.Imaging.Transforms;

/// <summary>
/// Resizes a picture as floats from 0 to 1, as torchvision resizes a tensor of floats with antialiasing: the weights of <see cref="Resampler"/>, and no rounding
/// to bytes between and after the two passes. Keeps its tables and buffers, so a warm instance allocates nothing; one instance per thread.
/// </summary>
public sealed class FloatResampler
{
    private const float WeightUnit = 1f / (1 << ResampleWeights.FractionBits);

    /// <summary>What a byte stands for.</summary>
    private static readonly float[] s_units = [.. Enumerable.Range(0, 256).Select(value => value / 255f)];

    private readonly ResampleWeights _columns = new();
    private readonly ResampleWeights _rows = new();
    private float[] _narrowed = [];
    private float[] _row = [];

    /// <summary>Makes a window of a resized picture; what lies outside of it costs nothing.</summary>
    /// <param name="source">The picture.</param>
    /// <param name="width">Columns of the whole result.</param>
    /// <param name="height">Rows of the whole result.</param>
    /// <param name="window">What is wanted of it.</param>
    /// <param name="filter">Weighting of source pixels; not <see cref="ResizeFilter.Nearest"/>, which rounds nothing.</param>
    /// <param name="destination">[3, rows, columns] of the window: red, green, blue, from 0 to 1, and a little beyond where a filter overshoots.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, the window lies not inside, or the filter has no weights.</exception>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Resize(Image source, int width, int height, PixelBox window, ResizeFilter filter, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (window.Left < 0 || window.Top < 0 || window.Width < 1 || window.Height < 1 || window.Width > width - window.Left || window.Height > height - window.Top)
            throw new ArgumentOutOfRangeException(nameof(window), window, $"The window must lie inside the result of {width} x {height} pixels.");
        (int columns, int stride) = (window.Width, checked(3 * window.Width));
        int count = checked(columns * window.Height);
        if (destination.Length != 3 * count)
            throw new ArgumentException($"A picture of {columns} x {window.Height} pixels fills {3L * count} floats, the destination has {destination.Length}.", nameof(destination));
        _columns.Compute(source.Width, width, window.Left, columns, filter, mirror: false);
        _rows.Compute(source.Height, height, window.Top, window.Height, filter, mirror: false);
        int first = _rows.Start[0], used = _rows.Start[window.Height - 1] + _rows.Count[window.Height - 1] - first;
        Reserve(ref _narrowed, checked(stride * used));
        Reserve(ref _row, stride);
        for (int y = 0; y < used; y++)
            Narrow(source.Row(first + y), _narrowed.AsSpan(y * stride, stride));
        Span<float> row = _row.AsSpan(0, stride);
        for (int y = 0; y < window.Height; y++)
        {
            row.Clear();
            for (int t = 0; t < _rows.Count[y]; t++)
                Accumulate(_rows.Values[(y * _rows.Taps) + t] * WeightUnit, _narrowed.AsSpan((_rows.Start[y] - first + t) * stride, stride), row);
            for (int channel = 0; channel < 3; channel++)
                row.Slice(channel * columns, columns).CopyTo(destination.Slice((channel * count) + (y * columns), columns));
        }
    }

    /// <summary>One row of interleaved bytes to three runs of floats.</summary>
    private void Narrow(ReadOnlySpan<byte> pixels, Span<float> destination)
    {
        int width = _columns.Length;
        for (int x = 0; x < width; x++)
        {
            ReadOnlySpan<int> weights = _columns.Values.AsSpan(x * _columns.Taps, _columns.Count[x]);
            ReadOnlySpan<byte> from = pixels.Slice(3 * _columns.Start[x], 3 * weights.Length);
            float red = 0, green = 0, blue = 0;
            for (int t = 0, i = 0; t < weights.Length; t++, i += 3)
            {
                float weight = weights[t] * WeightUnit;
                red += weight * s_units[from[i]];
                green += weight * s_units[from[i + 1]];
                blue += weight * s_units[from[i + 2]];
            }

            (destination[x], destination[width + x], destination[(2 * width) + x]) = (red, green, blue);
        }
    }

    private static void Accumulate(float weight, ReadOnlySpan<float> from, Span<float> to)
    {
        int vectors = to.Length / Vector<float>.Count * Vector<float>.Count;
        Span<Vector<float>> sums = MemoryMarshal.Cast<float, Vector<float>>(to);
        ReadOnlySpan<Vector<float>> terms = MemoryMarshal.Cast<float, Vector<float>>(from);
        for (int i = 0; i < sums.Length; i++)
            sums[i] += weight * terms[i];
        for (int i = vectors; i < to.Length; i++)
            to[i] += weight * from[i];
    }

    private static void Reserve(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new float[length];
    }
}
