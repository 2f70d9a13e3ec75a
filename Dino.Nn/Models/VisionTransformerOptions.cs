using System.Text.Json.Serialization;

namespace Dino.Nn;

/// <summary>
/// Architecture of a <see cref="VisionTransformer"/>. The defaults are the ViT-S/16 of DINO; what DINOv2 and DINOv3 change is one record each:
/// <see cref="DinoV2Small14"/>, <see cref="DinoV2Small14Registers"/> and <see cref="DinoV3Small16"/>.
/// </summary>
/// <remarks>Options that DINO does not have are zero for it and not written to files then.</remarks>
public sealed partial record VisionTransformerOptions : BackboneOptions
{
    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads.</summary>
    public int Heads { get; init; } = 6;

    /// <summary>Width inside the MLP over token width; a SwiGLU has two thirds of that.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Whether the qkv projections have biases.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Drop path rate of the last block; earlier blocks rise linearly from 0. Student only.</summary>
    public float DropPath { get; init; }

    /// <summary>Every block has the whole <see cref="DropPath"/> rate.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool UniformDropPath { get; init; }

    /// <summary>What follows the attention in a block.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public FeedForwardKind FeedForward { get; init; }

    /// <summary>The width inside a SwiGLU is rounded up to a multiple of this; 0 for 8.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int SwiGluMultiple { get; init; }

    /// <summary>The normalisation before each branch and at the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public NormKind Norm { get; init; }

    /// <summary>What the norms add to a variance; 0 for the usual of their kind.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public float NormEpsilon { get; init; }

    /// <summary>The CLS token and the registers have a final norm of their own, <c>cls_norm</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool UntiedNorms { get; init; }

    /// <summary>First value of the learned factors that each branch is scaled by; 0 for a network without.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public float LayerScale { get; init; }

    /// <summary>Tokens after CLS that belong to no patch: <c>register_tokens</c>, or <c>storage_tokens</c> beside rotary positions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Registers { get; init; }

    /// <summary>Whether there is a token that stands for masked patches.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MaskToken { get; init; }

    /// <summary>CLS and registers begin near zero (deviation 1e-6) and not at a deviation of 0.02.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SmallTokens { get; init; }

    /// <summary>Rotary positions in place of a learned position embedding.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public RotaryOptions? Rotary { get; init; }

    /// <summary>The learned position embedding shrinks with a wider kernel.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AntialiasedPositions { get; init; }

    /// <summary>The position embedding is scaled by the ratio of the grids; otherwise by (patches + 0.1) / grid, as DINO does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PositionsByRatio { get; init; }

    /// <summary>The keys' part of the qkv bias is multiplied by the zeros of <c>attn.qkv.bias_mask</c>: scores do not depend on it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool MaskedKeyBias { get; init; }

    /// <summary>Blocks are named in so many groups, <c>blocks.0.3</c>, as DINOv2 training checkpoints have it; 0 for <c>blocks.3</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int BlockChunks { get; init; }

    /// <summary>What the norms add to a variance: <see cref="NormEpsilon"/>, or the usual of their kind.</summary>
    [JsonIgnore]
    public float EffectiveNormEpsilon => NormEpsilon > 0 ? NormEpsilon : Norm.Epsilon();

    /// <summary>Width between the layers of the feed-forward part.</summary>
    [JsonIgnore]
    public int HiddenWidth
    {
        get
        {
            int hidden = (int)(Width * MlpRatio);
            if (FeedForward == FeedForwardKind.Mlp)
                return hidden;
            int multiple = SwiGluMultiple == 0 ? 8 : SwiGluMultiple;
            return ((int)(hidden * 2.0 / 3.0) + multiple - 1) / multiple * multiple;
        }
    }

    /// <inheritdoc/>
    public override VisionTransformer Build(ParameterScope scope) => new(scope, this);

    /// <inheritdoc/>
    public override VisionTransformerOptions WithoutDropPath() => this with { DropPath = 0 };

    /// <inheritdoc/>
    public override double TrainingValues(int side)
    {
        double tokens = Math.Pow(side / PatchSize, 2) + 1 + Registers;
        // Per token and unit of width: qkv 3, attention 1, two sums with the residual, what goes into GELU or comes into and out of a SwiGLU, and with
        // LayerScale both branches.
        double block = 6 + (FeedForward == FeedForwardKind.Mlp ? MlpRatio : 2 * MlpRatio) + (LayerScale > 0 ? 2 : 0);
        return tokens * Width * Depth * block;
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require(ImageSize >= PatchSize && ImageSize % PatchSize == 0, $"The image size {ImageSize} must be a multiple of the patch size {PatchSize}.");
        Require(Heads > 0 && Width % Heads == 0, $"The width {Width} must be a multiple of the {Heads} heads.");
        Require(Depth > 0, $"The depth must be positive, not {Depth}.");
        Require(MlpRatio > 0, $"The MLP ratio must be positive, not {MlpRatio}.");
        Require(DropPath is >= 0 and < 1, $"The drop path rate must lie in [0, 1), not {DropPath}.");
        Require(NormEpsilon >= 0 && float.IsFinite(NormEpsilon), $"The epsilon of the norms must not be negative (0 for the usual), it is {NormEpsilon}.");
        Require(LayerScale >= 0, $"The first value of LayerScale must not be negative (0 for none), it is {LayerScale}.");
        Require(SwiGluMultiple >= 0 && Registers >= 0, $"The registers {Registers} and the multiple {SwiGluMultiple} of a SwiGLU's width must not be negative.");
        Require(BlockChunks >= 0 && BlockChunks <= Depth, $"The {Depth} blocks cannot be named in {BlockChunks} groups: use 0 to {Depth}.");
        Require(!MaskedKeyBias || QkvBias, "MaskedKeyBias needs QkvBias: there is no bias to mask.");
        if (Rotary is not { } rotary)
            return;
        Require(Width % (4 * Heads) == 0, $"Rotary positions need heads whose width is a multiple of 4, not {Width} / {Heads}.");
        Require(rotary.MinPeriod == 0 == (rotary.MaxPeriod == 0), $"Give both periods of Rotary or neither: they are {rotary.MinPeriod} and {rotary.MaxPeriod}.");
        Require(rotary.MaxPeriod > 0 ? rotary.MinPeriod > 0 : rotary.Base > 0, $"Rotary positions need a positive base, or positive periods; they are {rotary.Base}, {rotary.MinPeriod} and {rotary.MaxPeriod}.");
    }
}
