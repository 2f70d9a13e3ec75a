using Dino.Imaging;
using Dino.Nn;
using Dino.Ssl.Training;
using Dino.Tensors;

namespace Dino.Ssl.Evaluation;

/// <summary>A feature for each place of a picture: the patch tokens of a vision transformer after the final norm, or the last map of a ResNet.</summary>
/// <param name="Values">[rows · columns, D], row-major.</param>
/// <param name="Width">D.</param>
/// <param name="Rows">Patches in a column of the picture.</param>
/// <param name="Columns">Patches in a row of the picture.</param>
public sealed record PatchFeatures(float[] Values, int Width, int Rows, int Columns)
{
    /// <summary>Number of patches.</summary>
    public int Count => Rows * Columns;

    /// <summary>The features of a picture of any size and shape.</summary>
    /// <param name="model">Backbone and normalisation.</param>
    /// <param name="image">The picture.</param>
    /// <param name="shortSide">Its short side is resized to this (bilinear, keeping the proportions); at least a patch.</param>
    /// <param name="seen">What the network saw: resized, and cut on the right and at the bottom to whole patches.</param>
    /// <param name="normalize">L2-normalise each feature, so that products are cosines.</param>
    public static PatchFeatures Of(LoadedModel model, Image image, int shortSide, out Image seen, bool normalize = false)
    {
        WholePatches whole = WholePatches.Of(model, image, shortSide);
        seen = whole.Seen;
        using Scope scope = model.Device.OpenScope(GradMode.Off);
        Tensor pixels = scope.Upload(whole.Pixels, [1, model.Preprocessing.Channels, seen.Height, seen.Width]);
        (int patch, int width) = (model.Backbone.Options.PatchSize, model.Backbone.Options.Width);
        (int rows, int columns) = (seen.Height / patch, seen.Width / patch);
        Tensor map = model.Backbone switch
        {
            VisionTransformer transformer => transformer.Tokens(pixels).Patches,
            ResNet network => network.FeatureMap(pixels),
            _ => throw new ArgumentException($"A {model.Backbone.GetType().Name} has no features of patches.", nameof(model)),
        };
        Tensor features = map.Reshape(rows * columns, width);
        return new PatchFeatures((normalize ? features.Normalize() : features).ToArray(), width, rows, columns);
    }
}
