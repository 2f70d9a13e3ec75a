using System.Runtime.CompilerServices;
using Dino.Imaging;
using Dino.Imaging.Transforms;

namespace Dino.Ssl.Retrieval;

/// <summary>What is kept of a picture to compare it with others: 64 x 64 luminance and twice 16 x 16 colour, stretched to a square, 4.6 KB.</summary>
internal sealed class Thumbnail
{
    /// <summary>Rows and columns of luminance.</summary>
    public const int Side = 64;

    /// <summary>Rows and columns of colour, which pictures are often stored at half resolution of.</summary>
    public const int ColourSide = 16;

    /// <summary>Values of the coarse picture: 8 x 8 of luminance and of both colours.</summary>
    public const int CoarseLength = 3 * 8 * 8;

    private Thumbnail(int width, int height) => (Width, Height) = (width, height);

    /// <summary>Sides of the picture itself.</summary>
    public int Width { get; }

    /// <inheritdoc cref="Width"/>
    public int Height { get; }

    /// <summary>Y of JPEG.</summary>
    public byte[] Luminance { get; } = new byte[Side * Side];

    /// <summary>Cb of JPEG.</summary>
    public byte[] Blue { get; } = new byte[ColourSide * ColourSide];

    /// <summary>Cr of JPEG.</summary>
    public byte[] Red { get; } = new byte[ColourSide * ColourSide];

    /// <summary>Makes thumbnails, for one thread.</summary>
    internal sealed class Writer
    {
        private readonly Resampler _resampler = new();
        private readonly PlanarImage _square = new();

        public Thumbnail Write(Image image)
        {
            // A triangle that grows with the reduction: copies of different sizes come out alike, and small pictures are enlarged without steps.
            _resampler.Resize(image, Side, Side, ResizeFilter.Bilinear, _square);
            Thumbnail thumbnail = new(image.Width, image.Height);
            Fill(_square.Plane(0), _square.Plane(1), _square.Plane(2), thumbnail);
            return thumbnail;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Fill(ReadOnlySpan<byte> red, ReadOnlySpan<byte> green, ReadOnlySpan<byte> blue, Thumbnail thumbnail)
        {
            const int Cells = Side / ColourSide;
            for (int i = 0; i < thumbnail.Luminance.Length; i++)
                thumbnail.Luminance[i] = (byte)Math.Round((0.299f * red[i]) + (0.587f * green[i]) + (0.114f * blue[i]));
            for (int i = 0; i < thumbnail.Blue.Length; i++)
            {
                (float r, float g, float b) = (0, 0, 0);
                int first = (i / ColourSide * Cells * Side) + (i % ColourSide * Cells);
                for (int j = 0; j < Cells * Cells; j++)
                {
                    int at = first + (j / Cells * Side) + (j % Cells);
                    (r, g, b) = (r + red[at], g + green[at], b + blue[at]);
                }

                const float Scale = 1f / (Cells * Cells);
                thumbnail.Blue[i] = Byte(128 + (Scale * ((-0.168736f * r) - (0.331264f * g) + (0.5f * b))));
                thumbnail.Red[i] = Byte(128 + (Scale * ((0.5f * r) - (0.418688f * g) - (0.081312f * b))));
            }
        }

        private static byte Byte(float value) => (byte)Math.Clamp(MathF.Round(value), 0, 255);
    }

    /// <summary>The means of 8 x 8 cells, of luminance and both colours: copies are close to each other in it, also after a slight crop.</summary>
    public void WriteCoarse(Span<float> destination)
    {
        Pool(Luminance, Side, 8, destination[..64]);
        Pool(Blue, ColourSide, 8, destination.Slice(64, 64));
        Pool(Red, ColourSide, 8, destination.Slice(128, 64));
    }

    /// <summary>A square of values brought to fewer rows and columns by means.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pool<T>(ReadOnlySpan<T> source, int side, int target, Span<float> destination)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        int cells = side / target;
        float scale = 1f / (cells * cells);
        for (int y = 0; y < target; y++)
        {
            for (int x = 0; x < target; x++)
            {
                float sum = 0;
                for (int row = y * cells; row < (y + 1) * cells; row++)
                {
                    foreach (T value in source.Slice((row * side) + (x * cells), cells))
                        sum += float.CreateTruncating(value);
                }

                destination[(y * target) + x] = sum * scale;
            }
        }
    }
}
