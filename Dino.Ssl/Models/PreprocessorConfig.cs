using Dino.Imaging.Transforms;
using Dino.Ssl.Data;

namespace Dino.Ssl.Models;

/// <summary>The <c>preprocessor_config.json</c> of Hugging Face's transformers: what the model's image processor does to pictures.</summary>
/// <remarks>ViTImageProcessor, BitImageProcessor (DINOv2), DINOv3ViTImageProcessor and ConvNextImageProcessor (ResNet), also under their older and faster names.</remarks>
internal static class PreprocessorConfig
{
    /// <summary>A picture at least this large is not cropped by the processor of ConvNext.</summary>
    private const int SquareFrom = 384;

    /// <summary>The ways of Pillow by number; the processors differ in which one they use unless told.</summary>
    private static readonly ResizeFilter[] s_filters =
        [ResizeFilter.Nearest, ResizeFilter.Lanczos, ResizeFilter.Bilinear, ResizeFilter.Bicubic, ResizeFilter.Box, ResizeFilter.Hamming];

    private enum Kind
    {
        Vit,
        Bit,
        DinoV3,
        ConvNext,
    }

    /// <summary>What is done to pictures.</summary>
    /// <param name="config">The file.</param>
    /// <exception cref="InvalidDataException">A value is out of range, or asks for something that is not supported.</exception>
    public static Preprocessing Read(ConfigFile config)
    {
        Kind kind = KindOf(config);
        config.Expect("do_resize", true);
        config.Expect("do_rescale", true);
        if (config.Number("rescale_factor") is { } factor && Math.Abs((factor * 255) - 1) > 1e-6)
            throw config.Wrong("rescale_factor", "must be 1 / 255");
        int filter = config.Length("resample") ?? (kind == Kind.Bit ? 3 : 2);
        (int resize, bool isSquare) = Size(config, kind);
        int? crop = Crop(config, kind, ref resize, ref isSquare);
        if (crop is null && !isSquare)
            throw config.Wrong("do_center_crop", "pictures that are resized by their short side must be cropped to a square");
        Preprocessing result = new()
        {
            Size = crop ?? resize,
            ResizeTo = resize,
            Square = isSquare,
            FloatPixels = kind == Kind.DinoV3,
            Filter = filter < s_filters.Length ? s_filters[filter] : throw config.Wrong("resample", $"must be a whole number from 0 to {s_filters.Length - 1}"),
            Normalization = config.Flag("do_normalize") == false ? PixelNormalization.None
                : Normalization(config, "image_mean", "image_std") ?? throw config.Wrong("image_mean", "must be there, with 'image_std'"),
        };
        return result.ResizeTo >= result.Size ? result : throw config.Wrong("crop_size", $"is larger than the resized picture, {resize}");
    }

    /// <summary>Mean and deviation of three channels; null if neither is there.</summary>
    /// <exception cref="InvalidDataException">Only one is there, or a value is out of range.</exception>
    public static PixelNormalization? Normalization(ConfigFile config, string mean, string deviation)
    {
        if (!config.Has(mean) && !config.Has(deviation))
            return null;
        if (config.Numbers(mean) is not [var red, var green, var blue] || Math.Max(Math.Abs(red), Math.Max(Math.Abs(green), Math.Abs(blue))) > 1000)
            throw config.Wrong(mean, "must be three numbers of moderate size");
        if (config.Numbers(deviation) is not [> 1e-6 and < 1000 and var redness, > 1e-6 and < 1000 and var greenness, > 1e-6 and < 1000 and var blueness])
            throw config.Wrong(deviation, "must be three numbers from 0.000001 to 1000");
        return new() { Mean = ((float)red, (float)green, (float)blue), StandardDeviation = ((float)redness, (float)greenness, (float)blueness) };
    }

    private static Kind KindOf(ConfigFile config)
    {
        string name = config.Has("image_processor_type") ? "image_processor_type" : "feature_extractor_type";
        string type = config.Text(name) ?? throw config.Wrong("image_processor_type", "must be there");
        return type switch
        {
            "ViTImageProcessor" or "ViTImageProcessorFast" or "ViTFeatureExtractor" => Kind.Vit,
            "BitImageProcessor" or "BitImageProcessorFast" => Kind.Bit,
            "DINOv3ViTImageProcessor" or "DINOv3ViTImageProcessorFast" => Kind.DinoV3,
            "ConvNextImageProcessor" or "ConvNextImageProcessorFast" or "ConvNextFeatureExtractor" => Kind.ConvNext,
            _ => throw config.Wrong(name, "the supported processors are those of ViT, Bit, DINOv3ViT and ConvNext; without this file pictures are treated as the official code of the network does"),
        };
    }

    /// <summary>Length in pixels that pictures are resized to, and whether both sides are.</summary>
    private static (int Resize, bool IsSquare) Size(ConfigFile config, Kind kind)
    {
        const string name = "size";
        (int? length, bool isSquare) = config.Section(name) is { } size
            ? size.Length("shortest_edge") is { } edge ? (edge, false) : (size.Length("height") == size.Length("width") ? size.Length("height") : null, true)
            : (config.Length(name), kind is Kind.Vit or Kind.DinoV3);
        return length is > 0 and <= 8192 ? (length.Value, isSquare) : throw config.Wrong(name, "must be the length of the short side, or equal height and width, of 1 to 8192");
    }

    /// <summary>Side of the square that is cut out; null if none is.</summary>
    private static int? Crop(ConfigFile config, Kind kind, ref int resize, ref bool isSquare)
    {
        if (kind == Kind.ConvNext)
        {
            int side = resize;
            double share = config.Number("crop_pct") ?? 224.0 / 256;
            if (share is < 0.1 or > 1)
                throw config.Wrong("crop_pct", "must lie between 0.1 and 1");
            (resize, isSquare) = side < SquareFrom ? ((int)(side / share), false) : (side, true);
            return side;
        }

        if (!(config.Flag("do_center_crop") ?? kind == Kind.Bit))
            return null;
        const string name = "crop_size";
        int? crop = config.Section(name) is { } size ? size.Length("height") == size.Length("width") ? size.Length("height") : null : config.Length(name);
        return crop is > 0 ? crop : throw config.Wrong(name, "must be the side of a square");
    }
}
