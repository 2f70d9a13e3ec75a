using Dino.Imaging.Transforms;
using Dino.Nn;
using Dino.Ssl.Data;

namespace Dino.Ssl.Models;

/// <summary>The <c>config.json</c> of timm: the name of the architecture, and what is done to pictures (<c>pretrained_cfg</c>).</summary>
/// <remarks>What timm.models._hub.save_config_for_hf writes; resolve_data_config and transforms_imagenet_eval of timm.data read it.</remarks>
internal static class TimmConfig
{
    /// <summary>timm's own where a configuration does not say it.</summary>
    private const double DefaultCropShare = 0.875;

    /// <summary>Networks beyond DINO's, all with 16 heads of another width than 64.</summary>
    private static readonly string[] s_sixteenHeads = ["vit_huge_patch", "vit_giant_patch", "vit_gigantic_patch"];

    /// <summary>Whether this is such a file.</summary>
    public static bool Fits(ConfigFile config) => config.Has("architecture") && !config.Has("model_type");

    /// <summary>The architecture of the weights with what the file says beyond their shapes.</summary>
    /// <param name="config">The file.</param>
    /// <param name="found">As the shapes tell.</param>
    /// <exception cref="InvalidDataException">A value contradicts the weights or is out of range.</exception>
    public static BackboneOptions Amend(ConfigFile config, BackboneOptions found)
    {
        string name = config.Text("architecture")!;
        config.Expect("num_features", found.Width, "width");
        bool isDinoV2 = name.Contains("dinov2", StringComparison.Ordinal), isDinoV3 = name.Contains("dinov3", StringComparison.Ordinal);
        VisionTransformerOptions? transformer = found as VisionTransformerOptions;
        if ((isDinoV3 && transformer?.Rotary is null) || (isDinoV2 && transformer is not { LayerScale: > 0, Rotary: null }))
            throw config.Wrong("architecture", "the weights are those of another network");
        if (transformer is null)
            return found;
        transformer = Heads(config, transformer, isOther: !isDinoV2 && !isDinoV3);
        // A learned position embedding tells the size itself.
        return transformer.Rotary is not null && Preprocessing(config)?.Size is { } size && size % transformer.PatchSize == 0 ? transformer with { ImageSize = size } : transformer;
    }

    private static VisionTransformerOptions Heads(ConfigFile config, VisionTransformerOptions found, bool isOther)
    {
        if (config.Section("model_args") is { } arguments && arguments.Length("num_heads") is { } heads)
            return heads > 0 && found.Width % heads == 0 ? found with { Heads = heads } : throw arguments.Wrong("num_heads", $"must divide the width {found.Width}");
        string name = config.Text("architecture")!;
        return isOther && found.Width % 16 == 0 && s_sixteenHeads.Any(start => name.StartsWith(start, StringComparison.Ordinal)) ? found with { Heads = 16 } : found;
    }

    /// <summary>What is done to pictures; null if the file does not say it.</summary>
    /// <exception cref="InvalidDataException">A value is out of range, or asks for something that is not supported.</exception>
    public static Preprocessing? Preprocessing(ConfigFile config)
    {
        if (config.Section("pretrained_cfg") is not { } settings)
            return null;
        int size = settings.Lengths("input_size") switch
        {
            null => 224,
            [3, var height, var width] when height == width && height > 0 => height,
            _ => throw settings.Wrong("input_size", "must be three channels of a square"),
        };
        double share = settings.Number("crop_pct") ?? DefaultCropShare;
        if (share is < 0.1 or > 1)
            throw settings.Wrong("crop_pct", "must lie between 0.1 and 1");
        return new Preprocessing
        {
            Size = size,
            ResizeTo = (int)Math.Floor(size / share),
            Filter = settings.Text("interpolation") switch
            {
                null or "bicubic" => ResizeFilter.Bicubic,
                "bilinear" => ResizeFilter.Bilinear,
                "nearest" => ResizeFilter.Nearest,
                "lanczos" => ResizeFilter.Lanczos,
                _ => throw settings.Wrong("interpolation", "must be bicubic, bilinear, nearest or lanczos"),
            },
            Square = settings.Text("crop_mode") switch
            {
                null or "center" => false,
                "squash" => true,
                _ => throw settings.Wrong("crop_mode", "must be center or squash"),
            },
            Normalization = PreprocessorConfig.Normalization(settings, "mean", "std") ?? PixelNormalization.ImageNet,
        };
    }
}
