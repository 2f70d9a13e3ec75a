using Dino.Imaging.Transforms;

namespace Dino.Ssl.Data;

/// <summary>How one random view of a picture is made. The defaults are those of DINO's first global crop.</summary>
public sealed record ViewOptions
{
    /// <summary>Side of the view in pixels.</summary>
    public int Size { get; init; } = 224;

    /// <summary>Least and largest part of the picture's area that the crop covers, in (0, 1].</summary>
    public (double Min, double Max) Scale { get; init; } = (0.4, 1.0);

    /// <summary>Least and largest width / height of the crop before it becomes square.</summary>
    public (double Min, double Max) AspectRatio { get; init; } = (3.0 / 4.0, 4.0 / 3.0);

    /// <summary>Filter of the resize.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>Probability of mirroring left and right.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Probability of jittering all four colour properties, in random order.</summary>
    public double JitterProbability { get; init; } = 0.8;

    /// <summary>Strength b: the factor is uniform in [max(0, 1 - b), 1 + b].</summary>
    public double Brightness { get; init; } = 0.4;

    /// <summary>Strength, as <see cref="Brightness"/>.</summary>
    public double Contrast { get; init; } = 0.4;

    /// <summary>Strength, as <see cref="Brightness"/>.</summary>
    public double Saturation { get; init; } = 0.2;

    /// <summary>The hue shift is uniform in [-h, h] of a full turn; at most 0.5.</summary>
    public double Hue { get; init; } = 0.1;

    /// <summary>Probability of dropping the colour.</summary>
    public double GrayscaleProbability { get; init; } = 0.2;

    /// <summary>Probability of a Gaussian blur.</summary>
    public double BlurProbability { get; init; } = 1.0;

    /// <summary>Least and largest standard deviation of the blur in pixels of the view.</summary>
    public (double Min, double Max) BlurRadius { get; init; } = (0.1, 2.0);

    /// <summary>Probability of inverting the values from <see cref="SolarizeThreshold"/> on.</summary>
    public double SolarizeProbability { get; init; }

    /// <summary>First inverted value, 0 to 256.</summary>
    public int SolarizeThreshold { get; init; } = 128;

    /// <summary>A view for training a classifier on frozen features: random crop of 8 % to all of the area and flip, nothing else.</summary>
    /// <param name="size">Side of the view in pixels.</param>
    public static ViewOptions CropAndFlip(int size = 224) => new()
    {
        Size = size,
        Scale = (0.08, 1.0),
        Filter = ResizeFilter.Bilinear,
        JitterProbability = 0,
        GrayscaleProbability = 0,
        BlurProbability = 0,
    };

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it and the allowed range.</exception>
    public void Validate() => Validate("");

    /// <summary>As <see cref="Validate()"/>, with the kind of view in front of the option's name.</summary>
    internal void Validate(string kind)
    {
        Require(Size is > 0 and <= 8192, nameof(Size), Size, "1 to 8192 pixels");
        Require(Scale.Min > 0 && Scale.Min <= Scale.Max && Scale.Max <= 1, nameof(Scale), Scale, "0 < Min <= Max <= 1");
        Require(AspectRatio.Min > 0 && AspectRatio.Min <= AspectRatio.Max && double.IsFinite(AspectRatio.Max), nameof(AspectRatio), AspectRatio, "0 < Min <= Max");
        Require(Enum.IsDefined(Filter), nameof(Filter), Filter, "one of the named filters");
        Require(BlurRadius.Min >= 0 && BlurRadius.Min <= BlurRadius.Max && BlurRadius.Max <= 1000, nameof(BlurRadius), BlurRadius, "0 <= Min <= Max <= 1000 pixels");
        Require(SolarizeThreshold is >= 0 and <= 256, nameof(SolarizeThreshold), SolarizeThreshold, "0 to 256");
        Require(Hue is >= 0 and <= 0.5, nameof(Hue), Hue, "0 to 0.5 of a turn");
        RequireStrength(Brightness, nameof(Brightness));
        RequireStrength(Contrast, nameof(Contrast));
        RequireStrength(Saturation, nameof(Saturation));
        RequireProbability(FlipProbability, nameof(FlipProbability));
        RequireProbability(JitterProbability, nameof(JitterProbability));
        RequireProbability(GrayscaleProbability, nameof(GrayscaleProbability));
        RequireProbability(BlurProbability, nameof(BlurProbability));
        RequireProbability(SolarizeProbability, nameof(SolarizeProbability));

        void RequireStrength(double value, string name) => Require(value >= 0 && double.IsFinite(value), name, value, "0 or more");

        void RequireProbability(double value, string name) => Require(value is >= 0 and <= 1, name, value, "a probability, 0 to 1");

        void Require<T>(bool holds, string name, T value, string allowed)
        {
            if (!holds)
                throw new ArgumentException(FormattableString.Invariant($"{kind}{name} is {value}; allowed: {allowed}."), name);
        }
    }
}
