namespace Dino.Nn;

/// <summary>Architecture of a network that turns pictures into feature vectors: <see cref="VisionTransformerOptions"/> or <see cref="ResNetOptions"/>.</summary>
public abstract record BackboneOptions
{
    /// <summary>Side of the square pictures the network is made for; it takes others too.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side in pixels of the square that one position of the last layer stands for: of a patch in a vision transformer, 32 in a ResNet.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Channels of a picture.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Width of a feature.</summary>
    public int Width { get; init; } = 384;

    /// <summary>Outputs of a linear classifier on the feature; 0 for none.</summary>
    public int Classes { get; init; }

    /// <summary>The named architecture: see <see cref="VisionTransformerOptions.ByName"/> and <see cref="ResNetOptions.ByName"/>.</summary>
    /// <exception cref="ArgumentException">Another name.</exception>
    public static BackboneOptions ByName(string name) =>
        ResNetOptions.Names.Contains(name) ? ResNetOptions.ByName(name)
        : VisionTransformerOptions.Names.Contains(name) ? VisionTransformerOptions.ByName(name)
        : throw new ArgumentException($"There is no architecture '{name}'. Use one of {string.Join(", ", VisionTransformerOptions.Names)}, {string.Join(", ", ResNetOptions.Names)}.", nameof(name));

    /// <summary>Declares the network; its store is allocated afterwards.</summary>
    /// <param name="scope">Where its parameters are declared.</param>
    /// <exception cref="ArgumentException">Something does not fit; the message names the option and the fix.</exception>
    public abstract Backbone Build(ParameterScope scope);

    /// <summary>The same network without stochastic depth, as a teacher has it.</summary>
    public virtual BackboneOptions WithoutDropPath() => this;

    /// <summary>About how many values a training step keeps of one picture for its backward pass.</summary>
    /// <param name="side">Side of the picture in pixels.</param>
    public abstract double TrainingValues(int side);

    /// <summary>Checks the numbers against each other.</summary>
    /// <exception cref="ArgumentException">Something does not fit; the message names the option and the fix.</exception>
    public virtual void Validate()
    {
        Require(PatchSize > 0, $"The patch size must be positive, not {PatchSize}.");
        Require(ImageSize > 0, $"The image size must be positive, not {ImageSize}.");
        Require(Channels > 0, $"The number of channels must be positive, not {Channels}.");
        Require(Width > 0, $"The width must be positive, not {Width}.");
        Require(Classes >= 0, $"The number of classes must not be negative, it is {Classes}.");
    }

    private protected static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
