using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Tensors;

namespace Dino.Ssl.Data;

/// <summary>
/// DINO's augmentation: crop and resize, flip, colour jitter in random order, grayscale, blur, solarise, normalise - each step
/// equal to torchvision's and Pillow's, each decision drawn from the stream of its epoch, sample and view.
/// </summary>
public sealed class MultiCropAugmentation : ISampleTransform
{
    private readonly ViewOptions[] _views;
    private readonly PixelNormalization _normalization;

    /// <summary>Augmentation by multi-crop options.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MultiCropAugmentation(MultiCropOptions options)
        : this(Checked(options).Views(), options.Normalization)
    {
    }

    /// <summary>Augmentation with freely chosen views.</summary>
    /// <param name="views">One entry per view.</param>
    /// <param name="normalization">Mean and standard deviation of the result.</param>
    /// <exception cref="ArgumentException">There is no view or an option is out of range.</exception>
    public MultiCropAugmentation(IReadOnlyList<ViewOptions> views, PixelNormalization normalization)
    {
        ArgumentNullException.ThrowIfNull(views);
        ArgumentNullException.ThrowIfNull(normalization);
        if (views.Count == 0)
            throw new ArgumentException("An augmentation needs at least one view.", nameof(views));
        normalization.Validate();
        foreach (ViewOptions view in views)
            view.Validate();
        (_views, _normalization) = ([.. views], normalization);
        ViewSizes = Array.AsReadOnly(Array.ConvertAll(_views, view => view.Size));
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> ViewSizes { get; }

    /// <inheritdoc/>
    public ISampleWriter CreateWriter() => new Writer(_views, _normalization);

    private static MultiCropOptions Checked(MultiCropOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return options;
    }

    private sealed class Writer(ViewOptions[] views, PixelNormalization normalization) : ISampleWriter
    {
        private readonly Resampler _resampler = new();
        private readonly GaussianBlur _blur = new();
        private readonly PlanarImage _view = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            ViewOptions options = views[view];
            PixelBox box = CropSampler.Draw(ref random, image.Width, image.Height, options.Scale, options.AspectRatio);
            bool flip = random.NextBool(options.FlipProbability);
            _resampler.Resize(image, box, options.Size, options.Size, options.Filter, flip, _view);
            if (random.NextBool(options.JitterProbability))
                Jitter(options, ref random);
            if (random.NextBool(options.GrayscaleProbability))
                ColorTransforms.Grayscale(_view);
            if (random.NextBool(options.BlurProbability))
                _blur.Apply(_view, (float)random.NextDouble(options.BlurRadius.Min, options.BlurRadius.Max));
            if (random.NextBool(options.SolarizeProbability))
                ColorTransforms.Solarize(_view, options.SolarizeThreshold);
            normalization.Write(_view, destination);
        }

        private void Jitter(ViewOptions options, ref CounterRandom random)
        {
            Span<int> order = [0, 1, 2, 3];
            random.Shuffle(order);
            // All factors are drawn before any is used, so the order does not change which numbers they get.
            float brightness = Factor(options.Brightness, ref random);
            float contrast = Factor(options.Contrast, ref random);
            float saturation = Factor(options.Saturation, ref random);
            double hue = random.NextDouble(-options.Hue, options.Hue);
            foreach (int step in order)
            {
                // A strength of 0 leaves its step out, as in the reference: a hue shift of 0 would still round through HSV.
                if (step == 0 && options.Brightness > 0)
                    ColorTransforms.Brightness(_view, brightness);
                else if (step == 1 && options.Contrast > 0)
                    ColorTransforms.Contrast(_view, contrast);
                else if (step == 2 && options.Saturation > 0)
                    ColorTransforms.Saturation(_view, saturation);
                else if (step == 3 && options.Hue > 0)
                    ColorTransforms.Hue(_view, hue);
            }
        }

        private static float Factor(double strength, ref CounterRandom random) => (float)random.NextDouble(Math.Max(0, 1 - strength), 1 + strength);
    }
}
