using System.Globalization;
using Dino.Imaging;

namespace Dino.Samples.WebGallery;

/// <summary>What the application is started with: <c>--weights FILE --gallery DIR</c>, or the same names in any other source of configuration.</summary>
internal sealed record GalleryOptions
{
    /// <summary>Weights of a vision transformer or a ResNet.</summary>
    public required string Weights { get; init; }

    /// <summary>Folder of the pictures to search; null for no search.</summary>
    public string? Gallery { get; init; }

    /// <summary>Largest upload in MiB.</summary>
    public int MaxUpload { get; init; } = 16;

    /// <summary>Most pixels of an upload, in millions. A decoder needs 3 bytes for each.</summary>
    public int MaxMegapixels { get; init; } = 50;

    /// <summary>Pictures that are worked on at once; each holds its pixels meanwhile.</summary>
    public int MaxAtOnce { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>Requests that may wait for their turn; those beyond are turned away.</summary>
    public int MaxWaiting { get; init; } = 256;

    /// <summary>Largest upload in bytes.</summary>
    public long MaxUploadBytes => (long)MaxUpload << 20;

    /// <summary>What a decoder may spend on the picture of a stranger.</summary>
    public DecodeLimits DecodeLimits => new() { MaxBytes = MaxUploadBytes, MaxPixels = MaxMegapixels * 1_000_000L };

    /// <summary>Reads the options.</summary>
    /// <exception cref="ArgumentException">No weights are given, or a number is out of range.</exception>
    public static GalleryOptions Of(IConfiguration configuration)
    {
        GalleryOptions defaults = new() { Weights = "" };
        GalleryOptions options = new()
        {
            Weights = configuration["weights"] ?? throw new ArgumentException("Give weights: --weights FILE. Without any at hand, 'dino demo' trains a small network within minutes: --weights demo/run/teacher.safetensors --gallery demo/pictures/test"),
            Gallery = configuration["gallery"],
            MaxUpload = Number(configuration, "max-upload", defaults.MaxUpload, 1024),
            MaxMegapixels = Number(configuration, "max-megapixels", defaults.MaxMegapixels, 500),
            MaxAtOnce = Number(configuration, "max-at-once", defaults.MaxAtOnce, 1024),
            MaxWaiting = Number(configuration, "max-waiting", defaults.MaxWaiting, 100_000),
        };
        if (!Path.Exists(options.Weights))
            throw new ArgumentException($"There is no file or folder of weights '{options.Weights}' (--weights; looked for {Path.GetFullPath(options.Weights)}).");
        return options;
    }

    private static int Number(IConfiguration configuration, string name, int otherwise, int most)
    {
        if (configuration[name] is not { } text)
            return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= most
            ? number
            : throw new ArgumentException($"--{name} must be a number from 1 to {most}, not '{text}'.");
    }
}
