using Dino.Tensors;

namespace Dino.Nn;

/// <summary>What a stream of random numbers is for: the third coordinate of a <see cref="RandomKey"/>, so that no two uses share a stream.</summary>
public static class RandomPurpose
{
    /// <summary>First values of parameters.</summary>
    public const uint Initialization = 1;

    /// <summary>Masks of drop path.</summary>
    public const uint DropPath = 2;

    /// <summary>Order of the samples in an epoch.</summary>
    public const uint Shuffle = 3;

    /// <summary>First centres of a clustering.</summary>
    public const uint Clustering = 4;

    /// <summary>First places and negative samples of an embedding in the plane.</summary>
    public const uint Projection = 5;

    /// <summary>Augmentation of view v uses Augmentation + v.</summary>
    public const uint Augmentation = 16;
}
