namespace Dino.Tensors.Formats;

/// <summary>What a <see cref="TorchSequence"/> is in Python.</summary>
public enum TorchSequenceKind
{
    /// <summary>list</summary>
    List,

    /// <summary>tuple, and torch.Size</summary>
    Tuple,

    /// <summary>set and frozenset</summary>
    Set,
}
