namespace Dino.Tensors;

/// <summary>What a loss does with its elements.</summary>
public enum Reduction : byte
{
    /// <summary>Their mean; where rows carry weights, the weighted mean.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Keeps them.</summary>
    None,

    /// <summary>Their sum divided by the length of the first axis.</summary>
    BatchMean,
}
