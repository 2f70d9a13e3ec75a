using Dino.Imaging.Transforms;

namespace Dino.Ssl.Data;

/// <summary>
/// DINO's multi-crop augmentation: two large global views and several small local ones. Defaults are the official ones
/// (DINOv2 differs in the scales: 0.32 to 1 and 0.05 to 0.32).
/// </summary>
public sealed record MultiCropOptions
{
    /// <summary>Most local views of a picture.</summary>
    public const int MaxLocalCrops = 1000;

    /// <summary>Side of the two global views in pixels.</summary>
    public int GlobalSize { get; init; } = 224;

    /// <summary>Side of the local views in pixels.</summary>
    public int LocalSize { get; init; } = 96;

    /// <summary>Number of local views; 0 trains on the global views alone.</summary>
    public int LocalCrops { get; init; } = 8;

    /// <summary>Part of the picture's area in a global view.</summary>
    public (double Min, double Max) GlobalScale { get; init; } = (0.4, 1.0);

    /// <summary>Part of the picture's area in a local view.</summary>
    public (double Min, double Max) LocalScale { get; init; } = (0.05, 0.4);

    /// <summary>Width / height of a crop before it becomes square.</summary>
    public (double Min, double Max) AspectRatio { get; init; } = (3.0 / 4.0, 4.0 / 3.0);

    /// <summary>Filter of the resize.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>Probability of mirroring left and right.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Probability of the colour jitter.</summary>
    public double JitterProbability { get; init; } = 0.8;

    /// <summary>Jitter strength of brightness: factors in [1 - b, 1 + b].</summary>
    public double Brightness { get; init; } = 0.4;

    /// <summary>Jitter strength of contrast.</summary>
    public double Contrast { get; init; } = 0.4;

    /// <summary>Jitter strength of saturation.</summary>
    public double Saturation { get; init; } = 0.2;

    /// <summary>Jitter strength of hue, as part of a full turn.</summary>
    public double Hue { get; init; } = 0.1;

    /// <summary>Probability of dropping the colour.</summary>
    public double GrayscaleProbability { get; init; } = 0.2;

    /// <summary>Probability of blur in the first global view.</summary>
    public double FirstGlobalBlurProbability { get; init; } = 1.0;

    /// <summary>Probability of blur in the second global view.</summary>
    public double SecondGlobalBlurProbability { get; init; } = 0.1;

    /// <summary>Probability of blur in a local view.</summary>
    public double LocalBlurProbability { get; init; } = 0.5;

    /// <summary>Standard deviation of the blur in pixels of the view.</summary>
    public (double Min, double Max) BlurRadius { get; init; } = (0.1, 2.0);

    /// <summary>Probability of solarisation in the second global view.</summary>
    public double SolarizeProbability { get; init; } = 0.2;

    /// <summary>First value that solarisation inverts.</summary>
    public int SolarizeThreshold { get; init; } = 128;

    /// <summary>Mean and standard deviation of the result; ImageNet's by default.</summary>
    public PixelNormalization Normalization { get; init; } = PixelNormalization.ImageNet;

    /// <summary>Number of views: 2 + <see cref="LocalCrops"/>.</summary>
    public int ViewCount => 2 + LocalCrops;

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it and the allowed range.</exception>
    public void Validate()
    {
        if (LocalCrops is < 0 or > MaxLocalCrops)
            throw new ArgumentException($"LocalCrops is {LocalCrops}; allowed: 0 to {MaxLocalCrops}.", nameof(LocalCrops));
        ArgumentNullException.ThrowIfNull(Normalization);
        Normalization.Validate();
        IReadOnlyList<ViewOptions> views = Views();
        for (int view = 0; view < views.Count; view++)
            views[view].Validate(view switch { 0 => "first global view: ", 1 => "second global view: ", _ => "local view: " });
    }

    /// <summary>The views in training order: both global ones, then the local ones.</summary>
    public IReadOnlyList<ViewOptions> Views()
    {
        ViewOptions global = new()
        {
            Size = GlobalSize,
            Scale = GlobalScale,
            AspectRatio = AspectRatio,
            Filter = Filter,
            FlipProbability = FlipProbability,
            JitterProbability = JitterProbability,
            Brightness = Brightness,
            Contrast = Contrast,
            Saturation = Saturation,
            Hue = Hue,
            GrayscaleProbability = GrayscaleProbability,
            BlurProbability = FirstGlobalBlurProbability,
            BlurRadius = BlurRadius,
            SolarizeThreshold = SolarizeThreshold,
        };
        ViewOptions local = global with { Size = LocalSize, Scale = LocalScale, BlurProbability = LocalBlurProbability };
        return [global, global with { BlurProbability = SecondGlobalBlurProbability, SolarizeProbability = SolarizeProbability }, .. Enumerable.Repeat(local, LocalCrops)];
    }
}
