using System.Globalization;
using Dino.Imaging.Transforms;
using Dino.Nn;

namespace Dino.Ssl.Data;

/// <summary>
/// How pictures are brought to the input of a model for evaluation: short side resized (or both), centre cropped, normalised. The defaults are those of DINO.
/// </summary>
public sealed record Preprocessing
{
    /// <summary>Beyond it a slip of the pen or a damaged file is more likely than a picture.</summary>
    private const int MaxSide = 8192;

    /// <summary>Side in pixels of the square that the network sees.</summary>
    public int Size { get; init; } = 224;

    /// <summary>Length in pixels of the short side before the crop; of both sides if <see cref="Square"/>.</summary>
    public int ResizeTo { get; init; } = 256;

    /// <summary>Resizes both sides, whatever the shape of the picture: all of it is seen, its proportions are not kept.</summary>
    public bool Square { get; init; }

    /// <summary>Filter of the resize.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>Resizes floats, and does not round to bytes on the way: what transformers does for DINOv3.</summary>
    public bool FloatPixels { get; init; }

    /// <summary>3 for colours; 1 for networks that see their brightness alone, which is taken after the crop. Pictures have no others.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Mean and standard deviation of the result.</summary>
    public PixelNormalization Normalization { get; init; } = PixelNormalization.ImageNet;

    /// <summary>DINO's for another size, in the official proportion of 256 to 224.</summary>
    /// <param name="size">Side of the square in pixels.</param>
    public static Preprocessing ForSize(int size) => new Preprocessing().At(size);

    /// <summary>What the official code of a network does for evaluation.</summary>
    /// <param name="network">One of DINO, DINOv2, DINOv3, or a ResNet.</param>
    /// <remarks>
    /// DINO: short side 256, crop 224. DINOv2 the same, although its position embedding is made for larger pictures. DINOv3: both sides 256, bilinear, as its
    /// instructions for the released networks say. A ResNet: as DINO; torchvision's are evaluated with <see cref="ResizeFilter.Bilinear"/>.
    /// </remarks>
    public static Preprocessing Official(BackboneOptions network)
    {
        const int official = 224;
        return network switch
        {
            VisionTransformerOptions { Rotary: not null } => new Preprocessing { Size = 256, Square = true, Filter = ResizeFilter.Bilinear },
            VisionTransformerOptions { LayerScale: > 0 } => ForSize(Math.Min(official, network.ImageSize)),
            _ => ForSize(network.ImageSize),
        };
    }

    /// <summary>The same with other sizes.</summary>
    /// <param name="size">Side of the square in pixels; null for the same.</param>
    /// <param name="resizeTo">Length of the short side before the crop; null for the same proportion to the square.</param>
    public Preprocessing At(int? size, int? resizeTo = null) => this with { Size = size ?? Size, ResizeTo = resizeTo ?? (int)Math.Round((size ?? Size) * ((double)ResizeTo / Size)) };

    /// <summary>The same for a network whose input layer was adapted to another number of channels.</summary>
    /// <param name="channels">1 makes grey values of the mean of the three channels' statistics.</param>
    /// <remarks>With another number than 1 or 3 pictures cannot be prepared: such a network takes tensors of your own.</remarks>
    public Preprocessing ForChannels(int channels)
    {
        if (channels != 1)
            return this with { Channels = channels };
        ((float, float, float) mean, (float, float, float) deviation) = (Normalization.Mean, Normalization.StandardDeviation);
        return this with { Channels = 1, FloatPixels = false, Normalization = new() { Mean = Averaged(mean), StandardDeviation = Averaged(deviation) } };

        static (float, float, float) Averaged((float Red, float Green, float Blue) values)
        {
            float average = (values.Red + values.Green + values.Blue) / 3;
            return (average, average, average);
        }
    }

    /// <summary>Normalises a picture that has its size already.</summary>
    /// <param name="image">The picture; it loses its colours where <see cref="Channels"/> is 1.</param>
    /// <param name="destination">[Channels, Height, Width].</param>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void Write(PlanarImage image, Span<float> destination)
    {
        if (Channels == 1)
        {
            ColorTransforms.Grayscale(image);
            Normalization.WriteRed(image, destination);
        }
        else
        {
            Normalization.Write(image, destination);
        }
    }

    /// <summary>In words: <c>short side to 256, bicubic; crop 224</c>. What is usual is not said.</summary>
    public override string ToString()
    {
        string resized = $"{(Square ? "both sides" : "short side")} to {ResizeTo}, {Filter.ToString().ToLowerInvariant()}{(FloatPixels ? " in floats" : "")}";
        string cropped = ResizeTo > Size || !Square ? $"; crop {Size}" : "";
        string normalized = Normalization == PixelNormalization.ImageNet ? "" : string.Create(CultureInfo.InvariantCulture, $"; mean {Normalization.Mean}, standard deviation {Normalization.StandardDeviation}");
        return $"{resized}{cropped}{(Channels == 1 ? "; grey" : "")}{normalized}";
    }

    /// <summary>Checks the numbers against each other.</summary>
    /// <exception cref="ArgumentException">A length is not positive, the crop is larger than the resized picture, or pictures do not have as many channels.</exception>
    public void Validate()
    {
        if (Size < 1)
            throw new ArgumentException($"The square that the network sees must be at least 1 pixel wide, not {Size}.");
        if (ResizeTo > MaxSide || Size > MaxSide)
            throw new ArgumentException($"Pictures are resized to {ResizeTo} and cropped to {Size}; {MaxSide} is the most.");
        if (ResizeTo < Size)
            throw new ArgumentException($"The short side is resized to {ResizeTo}, a crop of {Size} needs at least {Size}.");
        if (Channels is not (1 or 3))
            throw new ArgumentException($"The network sees {Channels} channels, pictures have three, or grey values: give it tensors of your own.");
        if (FloatPixels && (Filter == ResizeFilter.Nearest || Channels == 1))
            throw new ArgumentException("FloatPixels is for pictures in colours and for filters that average.");
        Normalization.Validate();
    }
}
