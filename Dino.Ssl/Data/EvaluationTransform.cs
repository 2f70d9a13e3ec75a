using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>The one view that evaluation sees. Nothing in it is random.</summary>
public sealed class EvaluationTransform : ISampleTransform
{
    private readonly Preprocessing _preprocessing;

    /// <summary>Prepares the transform.</summary>
    /// <exception cref="ArgumentException">A length is not positive, or the crop is larger than the resized picture.</exception>
    public EvaluationTransform(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        preprocessing.Validate();
        (_preprocessing, ViewSizes) = (preprocessing, Array.AsReadOnly([preprocessing.Size]));
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> ViewSizes { get; }

    /// <inheritdoc/>
    public ISampleWriter CreateWriter() => new Writer(_preprocessing);

    private sealed class Writer(Preprocessing preprocessing) : ISampleWriter
    {
        private readonly Resampler _resampler = new();
        private readonly PlanarImage _seen = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = PixelBox.ScaledSides(image.Width, image.Height, preprocessing.ResizeTo);
            _resampler.Resize(image, width, height, PixelBox.Center(width, height, preprocessing.Size, preprocessing.Size), preprocessing.Filter, _seen);
            preprocessing.Normalization.Write(_seen, destination);
        }
    }
}
