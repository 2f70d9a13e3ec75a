using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>The one view that evaluation sees. Nothing in it is random.</summary>
public sealed class EvaluationTransform : ISampleTransform
{
    private readonly Preprocessing _preprocessing;

    /// <summary>Prepares the transform.</summary>
    /// <exception cref="ArgumentException">As <see cref="Preprocessing.Validate"/>.</exception>
    public EvaluationTransform(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        preprocessing.Validate();
        (_preprocessing, ViewSizes) = (preprocessing, Array.AsReadOnly([preprocessing.Size]));
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> ViewSizes { get; }

    /// <inheritdoc/>
    public int Channels => _preprocessing.Channels;

    /// <inheritdoc/>
    public ISampleWriter CreateWriter() => _preprocessing.FloatPixels ? new FloatWriter(_preprocessing) : new Writer(_preprocessing);

    private static (int Width, int Height) ResizedSides(Preprocessing preprocessing, Image image) => preprocessing.Square
        ? (preprocessing.ResizeTo, preprocessing.ResizeTo)
        : PixelBox.ScaledSides(image.Width, image.Height, preprocessing.ResizeTo);

    private sealed class Writer(Preprocessing preprocessing) : ISampleWriter
    {
        private readonly Resampler _resampler = new();
        private readonly PlanarImage _resized = new();
        private readonly PlanarImage _cropped = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = ResizedSides(preprocessing, image);
            _resampler.Resize(image, width, height, preprocessing.Filter, _resized);
            Geometry.Crop(_resized, PixelBox.Center(width, height, preprocessing.Size, preprocessing.Size), _cropped);
            preprocessing.Write(_cropped, destination);
        }
    }

    private sealed class FloatWriter(Preprocessing preprocessing) : ISampleWriter
    {
        private readonly FloatResampler _resampler = new();
        private float[] _resized = [];

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = ResizedSides(preprocessing, image);
            int size = preprocessing.Size, count = checked(3 * width * height);
            if (destination.Length != 3 * size * size)
                throw new ArgumentException($"A view of {size} pixels fills [3, {size}, {size}] = {3 * size * size} floats, the destination has {destination.Length}.", nameof(destination));
            if (_resized.Length < count)
                _resized = new float[count];
            _resampler.Resize(image, width, height, preprocessing.Filter, _resized.AsSpan(0, count));
            PixelBox box = PixelBox.Center(width, height, size, size);
            for (int y = 0; y < 3 * size; y++)
                _resized.AsSpan((((y / size * height) + box.Top + (y % size)) * width) + box.Left, size).CopyTo(destination[(y * size)..]);
            preprocessing.Normalization.Normalize(destination);
        }
    }
}
