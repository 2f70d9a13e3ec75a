using System.Text.Json;
using Dino.Nn;

namespace Dino.Tests.Nn;

/// <summary>The arguments of the official constructors, as golden cases record them, in our options.</summary>
internal static class OfficialConfig
{
    /// <summary>A network of DINOv2.</summary>
    public static VisionTransformerOptions DinoV2(JsonElement config) => new()
    {
        ImageSize = Integer(config, "img_size"),
        PatchSize = Integer(config, "patch_size"),
        Width = Integer(config, "embed_dim"),
        Depth = Integer(config, "depth"),
        Heads = Integer(config, "num_heads"),
        MlpRatio = Number(config, "mlp_ratio", 4),
        LayerScale = (float)Number(config, "init_values", 0),
        FeedForward = Text(config, "ffn_layer") is "swiglu" or "swiglufused" ? FeedForwardKind.SwiGlu : FeedForwardKind.Mlp,
        BlockChunks = (int)Number(config, "block_chunks", 1),
        Registers = (int)Number(config, "num_register_tokens", 0),
        AntialiasedPositions = Flag(config, "interpolate_antialias"),
        PositionsByRatio = Number(config, "interpolate_offset", 0.1) == 0,
        MaskToken = true,
        SmallTokens = true,
    };

    /// <summary>A network of DINOv3.</summary>
    public static VisionTransformerOptions DinoV3(JsonElement config)
    {
        string feedForward = Text(config, "ffn_layer") ?? "mlp";
        return new VisionTransformerOptions
        {
            ImageSize = Integer(config, "img_size"),
            PatchSize = Integer(config, "patch_size"),
            Width = Integer(config, "embed_dim"),
            Depth = Integer(config, "depth"),
            Heads = Integer(config, "num_heads"),
            MlpRatio = Number(config, "ffn_ratio", 4),
            LayerScale = (float)Number(config, "layerscale_init", 0),
            FeedForward = feedForward == "mlp" ? FeedForwardKind.Mlp : FeedForwardKind.SwiGluSplit,
            SwiGluMultiple = feedForward.Length > "swiglu".Length ? int.Parse(feedForward["swiglu".Length..], System.Globalization.CultureInfo.InvariantCulture) : 0,
            Norm = Text(config, "norm_layer") switch { "rmsnorm" => NormKind.RmsNorm, "layernormbf16" => NormKind.CoarseLayerNorm, _ => NormKind.LayerNorm },
            Registers = (int)Number(config, "n_storage_tokens", 0),
            MaskedKeyBias = Flag(config, "mask_k_bias"),
            UntiedNorms = Flag(config, "untie_cls_and_patch_norms"),
            MaskToken = true,
            Rotary = new RotaryOptions
            {
                Base = Number(config, "pos_embed_rope_base", 100),
                MinPeriod = Number(config, "pos_embed_rope_min_period", 0),
                MaxPeriod = Number(config, "pos_embed_rope_max_period", 0),
                Coordinates = Text(config, "pos_embed_rope_normalize_coords") switch { "min" => RotaryCoordinates.Smaller, "max" => RotaryCoordinates.Larger, _ => RotaryCoordinates.Separate },
                BFloat16 = Text(config, "pos_embed_rope_dtype") is null or "bf16",
            },
        };
    }

    /// <summary>A network of torchvision whose channels are divided by a number.</summary>
    public static ResNetOptions ResNet(string kind, int[] layers, int divisor, int stem)
    {
        bool bottleneck = kind == "bottleneck";
        return new ResNetOptions { Bottleneck = bottleneck, Depths = new(layers[0], layers[1], layers[2], layers[3]), Stem = stem, Width = 512 * (bottleneck ? 4 : 1) / divisor };
    }

    private static int Integer(JsonElement config, string name) => config.GetProperty(name).GetInt32();

    private static double Number(JsonElement config, string name, double otherwise) =>
        config.TryGetProperty(name, out JsonElement value) ? value.ValueKind == JsonValueKind.Null ? 0 : value.GetDouble() : otherwise;

    private static string? Text(JsonElement config, string name) => config.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static bool Flag(JsonElement config, string name) => config.TryGetProperty(name, out JsonElement value) && value.GetBoolean();
}
