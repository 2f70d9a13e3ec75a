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
        private readonly PlanarImage _seen = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = ResizedSides(preprocessing, image);
            _resampler.Resize(image, width, height, PixelBox.Center(width, height, preprocessing.Size, preprocessing.Size), preprocessing.Filter, _seen);
            preprocessing.Write(_seen, destination);
        }
    }

    private sealed class FloatWriter(Preprocessing preprocessing) : ISampleWriter
    {
        private readonly FloatResampler _resampler = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = ResizedSides(preprocessing, image);
            _resampler.Resize(image, width, height, PixelBox.Center(width, height, preprocessing.Size, preprocessing.Size), preprocessing.Filter, destination);
            preprocessing.Normalization.Normalize(destination);
        }
    }
}
