using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Imaging.Transforms.Kernels;
using Dino.Tensors.Backends;

namespace Dino.Ssl.Data;

/// <summary>
/// The decoded pictures of a batch and what their views shall be, for a device that makes the views. The memory of the pictures is bounded: one for which there
/// is no room left gives way to its views, resized here, so that the device has but the rest to do. The views are the same.
/// </summary>
/// <param name="augmentation">Of the device.</param>
/// <param name="views">The views of each picture.</param>
/// <param name="size">Most pictures.</param>
/// <param name="limit">Most bytes of pictures that are larger than their views; all others are at most <paramref name="size"/> times the views.</param>
internal sealed class PictureBatch(Augmentation augmentation, MultiCropAugmentation views, int size, long limit) : IDisposable
{
    private readonly PictureSlab _slab = new(augmentation);
    private readonly PictureCrop[] _crops = new PictureCrop[checked(size * views.ViewSizes.Count)];
    private readonly long _viewBytes = views.ViewSizes.Sum(side => 3L * side * side);
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

    /// <summary>Copies a picture, or its resized views. Workers add pictures at the same time.</summary>
    /// <param name="row">Its number in the batch.</param>
    /// <param name="image">The picture.</param>
    /// <param name="recipes">The decisions about each of its views.</param>
    public void Add(int row, Image image, ReadOnlySpan<ViewRecipe> recipes)
    {
        // Resizing is to save memory: a picture smaller than its views is copied in any case.
        if (!_slab.TryAdd(image.Pixels, image.Pixels.Length <= _viewBytes ? long.MaxValue : limit, out long pixels))
        {
            AddResized(row, image, recipes);
            return;
        }

        for (int view = 0; view < recipes.Length; view++)
            Set(view, row, pixels, image, recipes[view]);
    }

    /// <inheritdoc/>
    public void Dispose() => _slab.Dispose();

    private void AddResized(int row, Image image, ReadOnlySpan<ViewRecipe> recipes)
    {
        Resampler resampler = new();
        PlanarImage resized = new();
        for (int view = 0; view < recipes.Length; view++)
        {
            views.Resize(image, view, recipes[view], resampler, resized);
            Image picture = resized.ToImage();
            // A resize to the size that a picture has keeps every byte of it.
            Set(view, row, _slab.Add(picture.Pixels), picture, recipes[view] with { Box = PixelBox.Of(picture), Flip = false });
        }
    }

    private void Set(int view, int row, long pixels, Image image, in ViewRecipe recipe)
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
}
