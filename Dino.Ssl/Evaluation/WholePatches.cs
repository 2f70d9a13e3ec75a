using Dino.Imaging;
using Dino.Imaging.Transforms;
using Dino.Ssl.Training;

namespace Dino.Ssl.Evaluation;

/// <summary>A picture of any shape as a network sees it: short side resized (bilinear, keeping the proportions), cut on the right and at the bottom to whole patches.</summary>
/// <param name="Seen">What is left of the picture.</param>
/// <param name="Pixels">[C, height, width], normalised.</param>
internal sealed record WholePatches(Image Seen, float[] Pixels)
{
    public static WholePatches Of(LoadedModel model, Image image, int shortSide)
    {
        int patch = model.Backbone.Options.PatchSize;
        ArgumentOutOfRangeException.ThrowIfLessThan(shortSide, patch);
        (int width, int height) = PixelBox.ScaledSides(image.Width, image.Height, shortSide);
        PlanarImage resized = new(), cropped = new();
        new Resampler().Resize(image, width, height, ResizeFilter.Bilinear, resized);
        Geometry.Crop(resized, new PixelBox(0, 0, width / patch * patch, height / patch * patch), cropped);
        float[] pixels = new float[model.Preprocessing.Channels * cropped.Width * cropped.Height];
        model.Preprocessing.Write(cropped, pixels);
        return new WholePatches(cropped.ToImage(), pixels);
    }
}
