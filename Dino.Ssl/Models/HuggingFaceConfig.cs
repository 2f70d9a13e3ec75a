using Dino.Nn;

namespace Dino.Ssl.Models;

/// <summary>The <c>config.json</c> of Hugging Face's transformers: tells what shapes do not, and is checked against what they do tell.</summary>
/// <remarks>Names and defaults of the classes ViTConfig, Dinov2Config, Dinov2WithRegistersConfig, DINOv3ViTConfig and ResNetConfig.</remarks>
internal static class HuggingFaceConfig
{
    private const string ResNet = "resnet";
    private const string DinoV3 = "dinov3_vit";

    private static readonly string[] s_types = ["vit", "dinov2", "dinov2_with_registers", DinoV3, ResNet];

    /// <summary>Whether this is such a file.</summary>
    public static bool Fits(ConfigFile config) => config.Has("model_type");

    /// <summary>Refuses models of other types.</summary>
    /// <exception cref="InvalidDataException">The model is of a type that is not supported here.</exception>
    public static void RequireSupported(ConfigFile config)
    {
        if (!s_types.Contains(config.Text("model_type")))
            throw config.Wrong("model_type", $"the supported types are {string.Join(", ", s_types)}");
    }

    /// <summary>The architecture of the weights with what the file says beyond their shapes.</summary>
    /// <param name="config">The file.</param>
    /// <param name="found">As the shapes tell.</param>
    /// <exception cref="InvalidDataException">A value contradicts the weights, is out of range, or asks for something that is not supported.</exception>
    public static BackboneOptions Amend(ConfigFile config, BackboneOptions found)
    {
        string type = config.Text("model_type")!;
        if (type == ResNet != found is ResNetOptions)
            throw config.Wrong("model_type", $"the weights are those of a {(found is ResNetOptions ? "ResNet" : "vision transformer")}");
        config.Expect("num_channels", found.Channels, "number of channels");
        return found is VisionTransformerOptions transformer ? Amend(config, type, transformer) : Checked(config, (ResNetOptions)found);
    }

    private static VisionTransformerOptions Amend(ConfigFile config, string type, VisionTransformerOptions found)
    {
        bool isRotary = type == DinoV3;
        if (isRotary != found.Rotary is not null)
            throw config.Wrong("model_type", $"the weights have {(isRotary ? "a learned position embedding" : "rotary positions")}");
        if (type == "vit" == found.LayerScale > 0)
            throw config.Wrong("model_type", $"the weights have {(found.LayerScale > 0 ? "" : "no ")}LayerScale");
        config.Expect("hidden_size", found.Width, "width");
        config.Expect("num_hidden_layers", found.Depth, "number of blocks");
        config.Expect("num_register_tokens", found.Registers, "number of registers");
        RequireSide(config, "patch_size", found.PatchSize, "side of a patch");
        Feedforward(config, type, found);
        if (isRotary)
            return Norm(config, Rotary(config, Heads(config, found)), 1e-5);
        RequireSide(config, "image_size", found.ImageSize, "side of the picture that the position embedding is made for");
        RequireBias(config, "qkv_bias", found.QkvBias, missing: true);
        return Norm(config, Heads(config, found), type == "vit" ? 1e-12 : 1e-6);
    }

    /// <summary>A head's width cannot be seen in the weights.</summary>
    private static VisionTransformerOptions Heads(ConfigFile config, VisionTransformerOptions found)
    {
        int heads = config.Length("num_attention_heads") ?? throw config.Wrong("num_attention_heads", "must be there: the weights do not tell it");
        int multiple = found.Rotary is null ? 1 : 4;
        return heads > 0 && found.Width % (multiple * heads) == 0
            ? found with { Heads = heads }
            : throw config.Wrong("num_attention_heads", $"must divide the width {found.Width}{(multiple > 1 ? $" into heads whose width is a multiple of {multiple}" : "")}");
    }

    private static VisionTransformerOptions Norm(ConfigFile config, VisionTransformerOptions found, double missing)
    {
        const string name = "layer_norm_eps";
        double epsilon = config.Number(name) ?? missing;
        if (epsilon is < 1e-30 or > 1)
            throw config.Wrong(name, "must lie between 1e-30 and 1");
        NormKind kind = epsilon == 1e-5 ? NormKind.CoarseLayerNorm : NormKind.LayerNorm;
        return found with { Norm = kind, NormEpsilon = epsilon is 1e-5 or 1e-6 ? 0 : (float)epsilon };
    }

    private static VisionTransformerOptions Rotary(ConfigFile config, VisionTransformerOptions found)
    {
        RequireBias(config, "query_bias", found.QkvBias, missing: true);
        RequireBias(config, "value_bias", found.QkvBias, missing: true);
        RequireBias(config, "key_bias", found.QkvBias && !found.MaskedKeyBias, missing: false);
        config.Expect("mlp_bias", true);
        config.Expect("proj_bias", true);
        const string name = "rope_theta";
        double theta = config.Number(name) ?? config.Section("rope_parameters")?.Number(name) ?? 100;
        if (theta is < 1e-3 or > 1e9)
            throw config.Wrong(name, "must lie between 0.001 and 1e9");
        int size = config.Side("image_size") ?? found.ImageSize;
        if (size == 0 || size % found.PatchSize != 0)
            throw config.Wrong("image_size", $"must be a multiple of the patch size {found.PatchSize}");
        return found with { ImageSize = size, Rotary = found.Rotary! with { Base = theta } };
    }

    /// <summary>The kind of the feed-forward part, its width, and the function in it, which shapes do not tell.</summary>
    private static void Feedforward(ConfigFile config, string type, VisionTransformerOptions found)
    {
        bool isGated = found.FeedForward != FeedForwardKind.Mlp;
        string gate = type == DinoV3 ? "use_gated_mlp" : "use_swiglu_ffn";
        if ((config.Flag(gate) ?? false) != isGated && type != "vit")
            throw config.Wrong(gate, $"the feed-forward part of the weights is {(isGated ? "" : "not ")}gated");
        // DINOv2's configuration speaks of the MLP it does not have.
        if (!isGated || type == DinoV3)
            config.Expect("hidden_act", isGated ? "silu" : "gelu");
        if (type is "vit" or DinoV3)
            config.Expect("intermediate_size", found.HiddenWidth, "width inside the feed-forward part");
        else if (config.Number("mlp_ratio") is { } ratio && (found with { MlpRatio = ratio }).HiddenWidth != found.HiddenWidth)
            throw config.Wrong("mlp_ratio", $"contradicts the weights, where the feed-forward part is {found.HiddenWidth} wide");
    }

    private static ResNetOptions Checked(ConfigFile config, ResNetOptions found)
    {
        config.Expect("embedding_size", found.Stem, "number of channels of the first convolution");
        config.Expect("hidden_act", "relu");
        config.Expect("downsample_in_first_stage", false);
        config.Expect("downsample_in_bottleneck", false);
        config.Expect("layer_type", found.Bottleneck ? "bottleneck" : "basic");
        int[] depths = [found.Depths.First, found.Depths.Second, found.Depths.Third, found.Depths.Fourth];
        int[] widths = [found.Width / 8, found.Width / 4, found.Width / 2, found.Width];
        if (config.Lengths("depths") is { } said && !said.SequenceEqual(depths))
            throw config.Wrong("depths", $"contradicts the weights, where they are {found.Depths}");
        if (config.Lengths("hidden_sizes") is { } sizes && !sizes.SequenceEqual(widths))
            throw config.Wrong("hidden_sizes", $"contradicts the weights, where they are {string.Join(", ", widths)}");
        return found;
    }

    private static void RequireSide(ConfigFile config, string name, int found, string what)
    {
        if (config.Side(name) is { } side && side != found)
            throw config.Wrong(name, $"contradicts the weights, where the {what} is {found}");
    }

    private static void RequireBias(ConfigFile config, string name, bool found, bool missing)
    {
        if ((config.Flag(name) ?? missing) != found)
            throw config.Wrong(name, $"the weights have {(found ? "one" : "none")}");
    }
}
