namespace Dino.Ssl.Embedding;

/// <summary>Which numbers of a network are the feature of a picture.</summary>
public enum FeatureKind
{
    /// <summary>What the network itself calls its feature: the CLS token of a vision transformer after the last norm, the mean over the last map of a ResNet.</summary>
    Cls,

    /// <summary>CLS token and mean of the patch tokens side by side, 2 · D numbers; vision transformers only.</summary>
    ClsAndPatchMean,

    /// <summary>CLS tokens of the last blocks side by side, each after the last norm and the last block at the end, as in the official linear evaluation; vision transformers only.</summary>
    LastBlocks,

    /// <summary>CLS tokens of the last blocks as in <see cref="LastBlocks"/>, then the mean of the patch tokens of the last one, as DINOv2's linear evaluation concatenates them; vision transformers only.</summary>
    LastBlocksAndPatchMean,
}
