using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Dino.Imaging.Transforms;

/// <summary>
/// An RGB picture as three planes of bytes: the form every transform works on, because each kernel then reads whole vectors of
/// one channel. Reusable: <see cref="Reset"/> keeps the memory, so a warm pipeline allocates nothing. Not thread-safe.
/// </summary>
public sealed class PlanarImage
{
    /// <summary>Kernels work on whole vectors of at most this many bytes and so never need code for a rest.</summary>
    internal const int Padding = 32;

    private byte[] _data = [];

    /// <summary>An empty picture; give it a size with <see cref="Reset"/> or let a transform do so.</summary>
    public PlanarImage()
    {
    }

    /// <summary>A copy of a picture.</summary>
    public PlanarImage(Image image) => CopyFrom(image);

    /// <summary>Pixels per row.</summary>
    public int Width { get; private set; }

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>Distance between planes in bytes: a multiple of 32 with at least 32 spare bytes behind the last pixel.</summary>
    internal int PlaneStride { get; private set; }

    /// <summary>The three planes with their spare bytes, which kernels may fill with anything.</summary>
    internal Span<byte> Padded => _data.AsSpan(0, 3 * PlaneStride);

    /// <summary>Sets the sides; the pixels are undefined afterwards.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or the picture exceeds what one array holds.</exception>
    public void Reset(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        long stride = (((long)width * height) + (2 * Padding) - 1) & -Padding;
        if (3 * stride > Array.MaxLength)
            throw new ArgumentOutOfRangeException(nameof(width), $"{width} x {height} RGB pixels take {3 * stride} bytes, one array holds {Array.MaxLength}.");
        (Width, Height, PlaneStride) = (width, height, (int)stride);
        if (_data.Length < 3 * PlaneStride)
            _data = new byte[Math.Min(Array.MaxLength, (long)BitOperations.RoundUpToPowerOf2((uint)(3 * PlaneStride)))];
    }

    /// <summary>Channel 0 (red), 1 (green) or 2 (blue): <see cref="Width"/> · <see cref="Height"/> bytes, row by row, writable.</summary>
    public Span<byte> Plane(int channel)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)channel, 2u, nameof(channel));
        return _data.AsSpan(channel * PlaneStride, Width * Height);
    }

    /// <summary>Becomes a copy of an interleaved picture.</summary>
    public void CopyFrom(Image image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Reset(image.Width, image.Height);
        for (int y = 0; y < image.Height; y++)
            SetRow(y, image.Row(y));
    }

    /// <summary>Becomes a copy of a part of an interleaved picture.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The box is empty or leaves the picture.</exception>
    public void CopyFrom(Image image, PixelBox box)
    {
        ArgumentNullException.ThrowIfNull(image);
        Geometry.RequireInside(box, image.Width, image.Height);
        Reset(box.Width, box.Height);
        for (int y = 0; y < box.Height; y++)
            SetRow(y, image.Row(box.Top + y).Slice(3 * box.Left, 3 * box.Width));
    }

    /// <summary>Becomes a copy of another picture.</summary>
    public void CopyFrom(PlanarImage other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Reset(other.Width, other.Height);
        other.Padded.CopyTo(Padded);
    }

    /// <summary>The picture with interleaved channels, in new memory.</summary>
    public Image ToImage()
    {
        Image image = new(Width, Height);
        ReadOnlySpan<byte> red = Plane(0), green = Plane(1), blue = Plane(2);
        Span<byte> pixels = image.Pixels;
        for (int i = 0, o = 0; i < red.Length; i++, o += 3)
        {
            pixels[o + 2] = blue[i];
            pixels[o + 1] = green[i];
            pixels[o] = red[i];
        }

        return image;
    }

    /// <summary>
    /// Splits one row of interleaved pixels over the planes. Rows must come in ascending order: a vector may spill over the end of
    /// its row into the next one, or behind the last row into the spare bytes.
    /// </summary>
    internal void SetRow(int y, ReadOnlySpan<byte> interleaved)
    {
        int width = Width, x = 0;
        ref byte source = ref MemoryMarshal.GetReference(interleaved);
        ref byte red = ref _data[y * width];
        ref byte green = ref _data[(y * width) + PlaneStride];
        ref byte blue = ref _data[(y * width) + (2 * PlaneStride)];
        for (; x < width && (3 * x) + 48 <= interleaved.Length; x += 16)
        {
            Vector128<byte> a = Vector128.LoadUnsafe(ref source, (nuint)(3 * x));
            Vector128<byte> b = Vector128.LoadUnsafe(ref source, (nuint)(3 * x) + 16);
            Vector128<byte> c = Vector128.LoadUnsafe(ref source, (nuint)(3 * x) + 32);
            // Index 255 is out of range and gives 0: each third of a plane's bytes comes from one of the three loads.
            (Vector128.Shuffle(a, Vector128.Create(0, 3, 6, 9, 12, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(b, Vector128.Create(255, 255, 255, 255, 255, 255, 2, 5, 8, 11, 14, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(c, Vector128.Create(255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 4, 7, 10, 13))).StoreUnsafe(ref red, (nuint)x);
            (Vector128.Shuffle(a, Vector128.Create(1, 4, 7, 10, 13, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(b, Vector128.Create(255, 255, 255, 255, 255, 0, 3, 6, 9, 12, 15, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(c, Vector128.Create(255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 5, 8, 11, 14))).StoreUnsafe(ref green, (nuint)x);
            (Vector128.Shuffle(a, Vector128.Create(2, 5, 8, 11, 14, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(b, Vector128.Create(255, 255, 255, 255, 255, 1, 4, 7, 10, 13, 255, 255, 255, 255, 255, 255))
                | Vector128.Shuffle(c, Vector128.Create(255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 3, 6, 9, 12, 15))).StoreUnsafe(ref blue, (nuint)x);
        }

        for (; x < width; x++)
        {
            int at = (y * width) + x;
            _data[at] = interleaved[3 * x];
            _data[at + PlaneStride] = interleaved[(3 * x) + 1];
            _data[at + (2 * PlaneStride)] = interleaved[(3 * x) + 2];
        }
    }
}
