namespace Dino.Nn;

/// <summary>The published networks.</summary>
public sealed partial record VisionTransformerOptions
{
    /// <summary>ViT-Ti: width 192, 3 heads.</summary>
    public static VisionTransformerOptions Tiny { get; } = new() { Width = 192, Heads = 3 };

    /// <summary>ViT-S: width 384, 6 heads.</summary>
    public static VisionTransformerOptions Small { get; } = new();

    /// <summary>ViT-B: width 768, 12 heads.</summary>
    public static VisionTransformerOptions Base { get; } = new() { Width = 768, Heads = 12 };

    /// <summary>What DINOv2 changes: patches of 14 pixels, LayerScale, and a token for masked patches.</summary>
    /// <remarks>Oquab et al. 2023.</remarks>
    public static VisionTransformerOptions DinoV2Small14 { get; } = new() { PatchSize = 14, ImageSize = 518, LayerScale = 1e-5f, MaskToken = true, SmallTokens = true };

    /// <summary>DINOv2 ViT-B/14.</summary>
    public static VisionTransformerOptions DinoV2Base14 { get; } = DinoV2Small14 with { Width = 768, Heads = 12 };

    /// <summary>DINOv2 ViT-L/14.</summary>
    public static VisionTransformerOptions DinoV2Large14 { get; } = DinoV2Small14 with { Width = 1024, Depth = 24, Heads = 16 };

    /// <summary>DINOv2 ViT-g/14, whose feed-forward is a SwiGLU.</summary>
    public static VisionTransformerOptions DinoV2Giant14 { get; } = DinoV2Small14 with { Width = 1536, Depth = 40, Heads = 24, FeedForward = FeedForwardKind.SwiGlu };

    /// <summary>What the DINOv2 networks with registers change: four registers, and positions that are resized without DINO's 0.1.</summary>
    /// <remarks>Darcet et al. 2024.</remarks>
    public static VisionTransformerOptions DinoV2Small14Registers { get; } = WithRegisters(DinoV2Small14);

    /// <summary>DINOv2 ViT-B/14 with registers.</summary>
    public static VisionTransformerOptions DinoV2Base14Registers { get; } = WithRegisters(DinoV2Base14);

    /// <summary>DINOv2 ViT-L/14 with registers.</summary>
    public static VisionTransformerOptions DinoV2Large14Registers { get; } = WithRegisters(DinoV2Large14);

    /// <summary>DINOv2 ViT-g/14 with registers.</summary>
    public static VisionTransformerOptions DinoV2Giant14Registers { get; } = WithRegisters(DinoV2Giant14);

    /// <summary>What DINOv3 changes: rotary positions, four registers, LayerScale, no bias of keys, and a larger epsilon.</summary>
    /// <remarks>Siméoni et al. 2025.</remarks>
    public static VisionTransformerOptions DinoV3Small16 { get; } = new()
    {
        Rotary = new(), Registers = 4, MaskToken = true, LayerScale = 1e-5f, MaskedKeyBias = true, Norm = NormKind.CoarseLayerNorm,
    };

    /// <summary>DINOv3 ViT-S+/16, whose feed-forward is a SwiGLU half as wide again.</summary>
    public static VisionTransformerOptions DinoV3SmallPlus16 { get; } = DinoV3Small16 with { MlpRatio = 6, FeedForward = FeedForwardKind.SwiGluSplit };

    /// <summary>DINOv3 ViT-B/16.</summary>
    public static VisionTransformerOptions DinoV3Base16 { get; } = DinoV3Small16 with { Width = 768, Heads = 12 };

    /// <summary>DINOv3 ViT-L/16.</summary>
    public static VisionTransformerOptions DinoV3Large16 { get; } = DinoV3Small16 with { Width = 1024, Depth = 24, Heads = 16 };

    /// <summary>DINOv3 ViT-L+/16.</summary>
    public static VisionTransformerOptions DinoV3LargePlus16 { get; } = DinoV3SmallPlus16 with { Width = 1024, Depth = 24, Heads = 16 };

    /// <summary>DINOv3 ViT-H+/16.</summary>
    public static VisionTransformerOptions DinoV3HugePlus16 { get; } = DinoV3SmallPlus16 with { Width = 1280, Depth = 32, Heads = 20 };

    /// <summary>DINOv3 ViT-7B/16: heads 128 wide, a SwiGLU, and no biases of queries, keys and values.</summary>
    public static VisionTransformerOptions DinoV3SevenBillion16 { get; } = DinoV3Small16 with
    {
        Width = 4096, Depth = 40, Heads = 32, MlpRatio = 3, FeedForward = FeedForwardKind.SwiGluSplit, QkvBias = false, MaskedKeyBias = false,
    };

    // Below the networks: static members get their values from top to bottom.
    private static readonly Dictionary<string, VisionTransformerOptions> s_named = new(StringComparer.Ordinal)
    {
        ["vit_tiny"] = Tiny,
        ["vit_small"] = Small,
        ["vit_base"] = Base,
        ["dinov2_vits14"] = DinoV2Small14,
        ["dinov2_vitb14"] = DinoV2Base14,
        ["dinov2_vitl14"] = DinoV2Large14,
        ["dinov2_vitg14"] = DinoV2Giant14,
        ["dinov2_vits14_reg"] = DinoV2Small14Registers,
        ["dinov2_vitb14_reg"] = DinoV2Base14Registers,
        ["dinov2_vitl14_reg"] = DinoV2Large14Registers,
        ["dinov2_vitg14_reg"] = DinoV2Giant14Registers,
        ["dinov3_vits16"] = DinoV3Small16,
        ["dinov3_vits16plus"] = DinoV3SmallPlus16,
        ["dinov3_vitb16"] = DinoV3Base16,
        ["dinov3_vitl16"] = DinoV3Large16,
        ["dinov3_vitl16plus"] = DinoV3LargePlus16,
        ["dinov3_vith16plus"] = DinoV3HugePlus16,
        ["dinov3_vit7b16"] = DinoV3SevenBillion16,
    };

    /// <summary>The architectures that have a name.</summary>
    internal static IReadOnlyCollection<VisionTransformerOptions> Published => s_named.Values;

    /// <summary>Names that <see cref="ByName"/> knows: those of the official functions that build them.</summary>
    public static IReadOnlyCollection<string> Names => s_named.Keys;

    /// <summary>The named architecture.</summary>
    /// <exception cref="ArgumentException">Another name; the message lists those there are.</exception>
    public static new VisionTransformerOptions ByName(string name) => s_named.TryGetValue(name, out VisionTransformerOptions? options)
        ? options
        : throw new ArgumentException($"There is no architecture '{name}'. Use one of {string.Join(", ", Names)}.", nameof(name));

    private static VisionTransformerOptions WithRegisters(VisionTransformerOptions options) =>
        options with { Registers = 4, AntialiasedPositions = true, PositionsByRatio = true };
}
