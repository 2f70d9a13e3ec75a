using Dino.Imaging.Transforms;

namespace Dino.Ssl.Data;

/// <summary>How pictures are brought to the input of a model for evaluation: short side resized, centre cropped, normalised. The defaults are those of DINO.</summary>
public sealed record Preprocessing
{
    /// <summary>Side in pixels of the square that the network sees.</summary>
    public int Size { get; init; } = 224;

    /// <summary>Length in pixels of the short side before the crop.</summary>
    public int ResizeTo { get; init; } = 256;

    /// <summary>Filter of the resize.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.Bicubic;

    /// <summary>Mean and standard deviation of the result.</summary>
    public PixelNormalization Normalization { get; init; } = PixelNormalization.ImageNet;

    /// <summary>DINO's for another size, in the official proportion of 256 to 224.</summary>
    /// <param name="size">Side of the square in pixels.</param>
    public static Preprocessing ForSize(int size) => new Preprocessing().At(size);

    /// <summary>The same with other sizes.</summary>
    /// <param name="size">Side of the square in pixels; null for the same.</param>
    /// <param name="resizeTo">Length of the short side before the crop; null for the same proportion to the square.</param>
    public Preprocessing At(int? size, int? resizeTo = null) => this with { Size = size ?? Size, ResizeTo = resizeTo ?? (int)Math.Round((size ?? Size) * ((double)ResizeTo / Size)) };

    /// <summary>Checks the numbers against each other.</summary>
    /// <exception cref="ArgumentException">A length is not positive, or the crop is larger than the resized picture.</exception>
    public void Validate()
    {
        if (Size < 1)
            throw new ArgumentException($"The square that the network sees must be at least 1 pixel wide, not {Size}.");
        if (ResizeTo < Size)
            throw new ArgumentException($"The short side is resized to {ResizeTo}, a crop of {Size} needs at least {Size}.");
        Normalization.Validate();
    }
}
