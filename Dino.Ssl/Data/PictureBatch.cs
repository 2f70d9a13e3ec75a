using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Imaging.Transforms.Kernels;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Data;

/// <summary>The decoded pictures of a batch and what their views shall be, for a device that makes the views.</summary>
/// <param name="augmentation">Of the device.</param>
/// <param name="size">Most pictures.</param>
/// <param name="views">Views of each.</param>
internal sealed class PictureBatch(Augmentation augmentation, int size, int views) : IDisposable
{
    private readonly PictureSlab _slab = new(augmentation);
    private readonly PictureCrop[] _crops = new PictureCrop[checked(size * views)];
    private int _count;

    /// <summary>The pixels of all pictures.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Pictures => _slab.Parts;

    /// <summary>Some views of all pictures, view by view.</summary>
    /// <param name="first">The first view.</param>
    /// <param name="count">How many.</param>
    public ReadOnlySpan<PictureCrop> Crops(int first, int count) => _crops.AsSpan(first * _count, count * _count);

    /// <summary>Takes all pictures out.</summary>
    /// <param name="count">Pictures to come.</param>
    public void Clear(int count)
    {
        _count = count;
        _slab.Clear();
    }

    /// <summary>Copies a picture; its views follow.</summary>
    /// <returns>Where its pixels are.</returns>
    public long Add(Image image) => _slab.Add(image.Pixels);

    /// <summary>Says what a view of a picture shall be.</summary>
    /// <param name="view">The view.</param>
    /// <param name="row">The picture.</param>
    /// <param name="pixels">What <see cref="Add"/> returned.</param>
    /// <param name="image">The picture.</param>
    /// <param name="recipe">The decisions.</param>
    public void Set(int view, int row, long pixels, Image image, in ViewRecipe recipe)
    {
        BoxKernel blur = recipe.BlurRadius > 0 ? BoxKernel.ForGaussian(recipe.BlurRadius, GaussianBlur.Passes) : default;
        _crops[(view * _count) + row] = new PictureCrop
        {
            Pixels = pixels,
            PictureWidth = image.Width,
            Left = recipe.Box.Left,
            Top = recipe.Box.Top,
            Width = recipe.Box.Width,
            Height = recipe.Box.Height,
            Flip = recipe.Flip,
            Steps = recipe.Jitter,
            Brightness = recipe.Brightness,
            Contrast = recipe.Contrast,
            Saturation = recipe.Saturation,
            HueShift = ColorTransforms.HueShift(recipe.Hue),
            Grayscale = recipe.Grayscale,
            BlurRadius = blur.Radius,
            BlurFull = blur.Full,
            BlurEdge = blur.Edge,
            SolarizeThreshold = recipe.SolarizeThreshold,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _slab.Dispose();
}
