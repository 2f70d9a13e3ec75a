namespace Dino.Nn;

/// <summary>Shape of a <see cref="DinoHead"/>; the defaults are the official ones.</summary>
public sealed record DinoHeadOptions
{
    /// <summary>K, the number of prototypes.</summary>
    public int Prototypes { get; init; } = 65536;

    /// <summary>Linear layers before the normalisation, 1 to any.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Width of the hidden layers.</summary>
    public int Hidden { get; init; } = 2048;

    /// <summary>Width that is L2-normalised.</summary>
    public int Bottleneck { get; init; } = 256;

    /// <summary>Batch norm after each hidden layer.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Fixes the lengths g of the prototypes at 1 (norm_last_layer).</summary>
    public bool FixedLength { get; init; } = true;

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentException">Something is not positive.</exception>
    public void Validate()
    {
        if (Prototypes < 1 || Layers < 1 || Hidden < 1 || Bottleneck < 1)
            throw new ArgumentException($"All sizes of a DINO head must be positive: prototypes {Prototypes}, layers {Layers}, hidden {Hidden}, bottleneck {Bottleneck}.");
    }
}
