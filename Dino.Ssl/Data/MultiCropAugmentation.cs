using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Tensors;
using Dino.Tensors.Backends;

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
    public ISampleWriter CreateWriter() => new Writer(this);

    /// <summary>Takes every random decision about a view; whatever makes the view of the recipe makes the same one.</summary>
    /// <param name="width">Columns of the picture.</param>
    /// <param name="height">Rows of the picture.</param>
    /// <param name="view">Index into <see cref="ViewSizes"/>.</param>
    /// <param name="random">The stream of this epoch, sample and view.</param>
    public ViewRecipe Decide(int width, int height, int view, CounterRandom random)
    {
        ViewOptions options = _views[view];
        ViewRecipe recipe = new()
        {
            Box = CropSampler.Draw(ref random, width, height, options.Scale, options.AspectRatio),
            Flip = random.NextBool(options.FlipProbability),
        };
        if (random.NextBool(options.JitterProbability))
            recipe = Jittered(recipe, options, ref random);
        // Initialisers run in this order, which is that of the stream.
        return recipe with
        {
            Grayscale = random.NextBool(options.GrayscaleProbability),
            BlurRadius = random.NextBool(options.BlurProbability) ? (float)random.NextDouble(options.BlurRadius.Min, options.BlurRadius.Max) : 0,
            SolarizeThreshold = random.NextBool(options.SolarizeProbability) ? options.SolarizeThreshold : 256,
        };
    }

    /// <summary>The first part of making a view: crop, resize and flip.</summary>
    internal void Resize(Image image, int view, in ViewRecipe recipe, Resampler resampler, PlanarImage resized)
    {
        ViewOptions options = _views[view];
        resampler.Resize(image, recipe.Box, options.Size, options.Size, options.Filter, recipe.Flip, resized);
    }

    private static ViewRecipe Jittered(ViewRecipe recipe, ViewOptions options, ref CounterRandom random)
    {
        Span<ColorStep> order = [ColorStep.Brightness, ColorStep.Contrast, ColorStep.Saturation, ColorStep.Hue];
        random.Shuffle(order);
        // All factors are drawn before any is used, so the order does not change which numbers they get.
        recipe = recipe with
        {
            Brightness = Factor(options.Brightness, ref random),
            Contrast = Factor(options.Contrast, ref random),
            Saturation = Factor(options.Saturation, ref random),
            Hue = random.NextDouble(-options.Hue, options.Hue),
        };
        ColorSteps steps = default;
        foreach (ColorStep step in order)
        {
            // A strength of 0 leaves its step out, as in the reference: a hue shift of 0 would still round through HSV.
            double strength = step switch { ColorStep.Brightness => options.Brightness, ColorStep.Contrast => options.Contrast, ColorStep.Saturation => options.Saturation, _ => options.Hue };
            if (strength > 0)
                steps = steps.Then(step);
        }

        return recipe with { Jitter = steps };
    }

    private static float Factor(double strength, ref CounterRandom random) => (float)random.NextDouble(Math.Max(0, 1 - strength), 1 + strength);

    private static MultiCropOptions Checked(MultiCropOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return options;
    }

    private sealed class Writer(MultiCropAugmentation augmentation) : ISampleWriter
    {
        private readonly Resampler _resampler = new();
        private readonly GaussianBlur _blur = new();
        private readonly PlanarImage _view = new();

        public void Write(Image image, int view, CounterRandom random, Span<float> destination)
        {
            ArgumentNullException.ThrowIfNull(image);
            ViewRecipe recipe = augmentation.Decide(image.Width, image.Height, view, random);
            augmentation.Resize(image, view, recipe, _resampler, _view);
            for (ColorSteps steps = recipe.Jitter; steps.First != ColorStep.None; steps = steps.Rest)
                Jitter(steps.First, recipe);
            if (recipe.Grayscale)
                ColorTransforms.Grayscale(_view);
            _blur.Apply(_view, recipe.BlurRadius);
            ColorTransforms.Solarize(_view, recipe.SolarizeThreshold);
            augmentation._normalization.Write(_view, destination);
        }

        private void Jitter(ColorStep step, in ViewRecipe recipe)
        {
            switch (step)
            {
                case ColorStep.Brightness:
                    ColorTransforms.Brightness(_view, recipe.Brightness);
                    break;
                case ColorStep.Contrast:
                    ColorTransforms.Contrast(_view, recipe.Contrast);
                    break;
                case ColorStep.Saturation:
                    ColorTransforms.Saturation(_view, recipe.Saturation);
                    break;
                default:
                    ColorTransforms.Hue(_view, recipe.Hue);
                    break;
            }
        }
    }
}
