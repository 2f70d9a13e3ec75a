namespace Dino.Nn;

/// <summary>Architecture of a <see cref="VisionTransformer"/>; the defaults are ViT-S/16.</summary>
public sealed record VisionTransformerOptions
{
    /// <summary>Side of the square pictures the position embedding is made for; other sizes interpolate it.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels of a picture.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Token width.</summary>
    public int Width { get; init; } = 384;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    public int Heads { get; init; } = 6;

    /// <summary>Width inside the MLP over token width.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Whether the qkv projections have biases.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Drop path rate of the last block; earlier blocks rise linearly from 0. Student only.</summary>
    public float DropPath { get; init; }

    /// <summary>Outputs of a linear classifier on the CLS token; 0 for none.</summary>
    public int Classes { get; init; }

    /// <summary>ViT-Ti: width 192, 3 heads.</summary>
    public static VisionTransformerOptions Tiny { get; } = new() { Width = 192, Heads = 3 };

    /// <summary>ViT-S: width 384, 6 heads.</summary>
    public static VisionTransformerOptions Small { get; } = new();

    /// <summary>ViT-B: width 768, 12 heads.</summary>
    public static VisionTransformerOptions Base { get; } = new() { Width = 768, Heads = 12 };

    /// <summary>The named architecture: vit_tiny, vit_small or vit_base.</summary>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static VisionTransformerOptions ByName(string name) => name switch
    {
        "vit_tiny" => Tiny,
        "vit_small" => Small,
        "vit_base" => Base,
        _ => throw new ArgumentException($"There is no architecture '{name}'. Use vit_tiny, vit_small or vit_base.", nameof(name)),
    };

    /// <summary>Checks the numbers against each other.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names the option and the fix.</exception>
    public void Validate()
    {
        Require(PatchSize > 0, $"The patch size must be positive, not {PatchSize}.");
        Require(ImageSize >= PatchSize && ImageSize % PatchSize == 0, $"The image size {ImageSize} must be a multiple of the patch size {PatchSize}.");
        Require(Width > 0 && Heads > 0 && Width % Heads == 0, $"The width {Width} must be a multiple of the {Heads} heads.");
        Require(Depth > 0, $"The depth must be positive, not {Depth}.");
        Require(Channels > 0, $"The number of channels must be positive, not {Channels}.");
        Require(MlpRatio > 0, $"The MLP ratio must be positive, not {MlpRatio}.");
        Require(DropPath is >= 0 and < 1, $"The drop path rate must lie in [0, 1), not {DropPath}.");
        Require(Classes >= 0, $"The number of classes must not be negative, it is {Classes}.");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
