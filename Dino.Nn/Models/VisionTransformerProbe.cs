namespace Dino.Nn;

/// <summary>Reads the architecture of a vision transformer off its weights.</summary>
internal static class VisionTransformerProbe
{
    /// <summary>Width of a head in every published network with a learned position embedding: its heads cannot be seen in the weights.</summary>
    private const int HeadWidth = 64;

    private const string Norm = ".norm1.weight";

    public static VisionTransformerOptions? Probe(WeightShapes shapes)
    {
        int width = shapes.Length("patch_embed.proj.weight", 0), patch = shapes.Length("patch_embed.proj.weight", 2);
        int positions = shapes.Length("pos_embed", 1), periods = shapes.Length("rope_embed.periods", 0);
        (int depth, int chunks) = Blocks(shapes);
        // Periods are a constant that some files do without: the name of the registers tells as well.
        bool isRotary = periods > 0 || (positions == 0 && shapes.Has("storage_tokens"));
        if (width == 0 || patch == 0 || depth == 0 || (positions == 0 && !isRotary))
            return null;
        string block = chunks == 0 ? "blocks.0" : "blocks.0.0";
        if (FeedForward(shapes, $"{block}.mlp", width) is not { } feedForward)
            return null;
        bool hasRegisters = shapes.Has("register_tokens");
        bool isRms = !shapes.Has("norm.bias");
        return new VisionTransformerOptions
        {
            Width = width,
            PatchSize = patch,
            Channels = shapes.Length("patch_embed.proj.weight", 1),
            ImageSize = isRotary ? 224 / patch * patch : (int)Math.Round(Math.Sqrt(positions - 1)) * patch,
            Depth = depth,
            BlockChunks = chunks,
            // A head has a period for every four of its elements.
            Heads = Math.Max(1, periods > 0 ? width / (4 * periods) : isRotary ? RotaryHeads(width) : width / HeadWidth),
            FeedForward = feedForward.Kind,
            MlpRatio = feedForward.Ratio,
            QkvBias = shapes.Has($"{block}.attn.qkv.bias"),
            MaskedKeyBias = shapes.Has($"{block}.attn.qkv.bias_mask"),
            // An epsilon cannot be seen: the published networks with rotary positions have the larger one.
            Norm = isRms ? NormKind.RmsNorm : isRotary ? NormKind.CoarseLayerNorm : NormKind.LayerNorm,
            UntiedNorms = shapes.Has("cls_norm.weight"),
            LayerScale = shapes.Has($"{block}.ls1.gamma") ? 1e-5f : 0,
            Registers = shapes.Length(isRotary ? "storage_tokens" : "register_tokens", 1),
            MaskToken = shapes.Has("mask_token"),
            SmallTokens = !isRotary && shapes.Has("mask_token"),
            Rotary = isRotary ? new RotaryOptions() : null,
            // DINOv2 came to resize its positions in another way together with the registers.
            AntialiasedPositions = hasRegisters,
            PositionsByRatio = hasRegisters,
            Classes = shapes.Length("head.weight", 0),
        };
    }

    /// <summary>Heads of the published network of that width: the largest has wider ones.</summary>
    private static int RotaryHeads(int width) => VisionTransformerOptions.Published.FirstOrDefault(options => options.Rotary is not null && options.Width == width)?.Heads ?? width / HeadWidth;

    /// <summary>The number of blocks, and of the groups they are named in: 0 for <c>blocks.3</c>, else the first half of <c>blocks.0.3</c>.</summary>
    private static (int Depth, int Chunks) Blocks(WeightShapes shapes)
    {
        int depth = shapes.Count("blocks.", Norm), chunks = 0;
        if (depth > 0)
            return (depth, 0);
        while (shapes.Count($"blocks.{chunks}.", Norm, depth) is var count and > 0)
        {
            depth += count;
            chunks++;
        }

        return (depth, chunks);
    }

    private static (FeedForwardKind Kind, double Ratio)? FeedForward(WeightShapes shapes, string mlp, int width)
    {
        if (shapes.Length($"{mlp}.fc1.weight", 0) is var hidden and > 0)
            return (FeedForwardKind.Mlp, (double)hidden / width);
        if (shapes.Length($"{mlp}.w12.weight", 0) is var both and > 0)
            return (FeedForwardKind.SwiGlu, SwiGluRatio(both / 2, width));
        if (shapes.Length($"{mlp}.w1.weight", 0) is var one and > 0)
            return (FeedForwardKind.SwiGluSplit, SwiGluRatio(one, width));
        return null;
    }

    /// <summary>The ratio whose two thirds, rounded up, give the width inside: a whole one if there is one.</summary>
    private static double SwiGluRatio(int hidden, int width)
    {
        double ratio = 1.5 * hidden / width, whole = Math.Floor(ratio);
        VisionTransformerOptions options = new() { Width = width, FeedForward = FeedForwardKind.SwiGlu, MlpRatio = whole };
        return options.HiddenWidth == hidden ? whole : ratio;
    }
}
