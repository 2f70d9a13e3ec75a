using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>The one view that evaluation sees: short side resized, centre cropped, normalised. Nothing in it is random.</summary>
public sealed class EvaluationTransform : ISampleTransform
{
    private readonly PixelNormalization _normalization;
    private readonly ResizeFilter _filter;

    /// <summary>Prepares the transform.</summary>
    /// <param name="size">Side of the view in pixels.</param>
    /// <param name="resizeTo">Length of the short side before the crop; by default the official proportion of 256 to 224.</param>
    /// <param name="normalization">Mean and standard deviation of the result; ImageNet's by default.</param>
    /// <param name="filter">Filter of the resize.</param>
    /// <exception cref="ArgumentException">A length is not positive, or the crop is larger than the resized picture.</exception>
    public EvaluationTransform(int size = 224, int? resizeTo = null, PixelNormalization? normalization = null, ResizeFilter filter = ResizeFilter.Bicubic)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ResizeTo = resizeTo ?? (int)Math.Round(size * (256.0 / 224.0));
        if (ResizeTo < size)
            throw new ArgumentException($"The short side is resized to {ResizeTo}, a crop of {size} needs at least {size}.", nameof(resizeTo));
        (Size, _filter, _normalization) = (size, filter, normalization ?? PixelNormalization.ImageNet);
        _normalization.Validate();
        ViewSizes = Array.AsReadOnly([size]);
    }

    /// <summary>Side of the view in pixels.</summary>
    public int Size { get; }

    /// <summary>Length of the short side before the crop.</summary>
    public int ResizeTo { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> ViewSizes { get; }

    /// <inheritdoc/>
    public ISampleWriter CreateWriter() => new Writer(this);

    private sealed class Writer(EvaluationTransform transform) : ISampleWriter
    {
        private readonly Resampler _resampler = new();
        private readonly PlanarImage _resized = new();
        private readonly PlanarImage _cropped = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            (int width, int height) = PixelBox.ScaledSides(image.Width, image.Height, transform.ResizeTo);
            _resampler.Resize(image, width, height, transform._filter, _resized);
            Geometry.Crop(_resized, PixelBox.Center(width, height, transform.Size, transform.Size), _cropped);
            transform._normalization.Write(_cropped, destination);
        }
    }
}
