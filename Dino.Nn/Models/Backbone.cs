using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A network that turns pictures into feature vectors.</summary>
/// <param name="scope">Where its parameters are declared.</param>
public abstract class Backbone(ParameterScope scope) : Module(scope)
{
    /// <summary>Architecture.</summary>
    public abstract BackboneOptions Options { get; }

    /// <summary>The linear classifier on the feature, if there is one.</summary>
    private protected Linear? Classifier { get; init; }

    /// <summary>Logits [B, classes] of the linear classifier on the feature.</summary>
    /// <param name="x">Pictures [B, C, H, W].</param>
    /// <exception cref="InvalidOperationException">The network has no classifier.</exception>
    public Tensor Classify(Tensor x) => Classifier is null
        ? throw new InvalidOperationException($"{GetType().Name} '{Path}' has no classifier: set Classes in its options.")
        : Classifier.Forward(Forward(x));

    /// <summary>Checks that the input is pictures, so that the error names this network.</summary>
    private protected void RequirePictures(Tensor x)
    {
        if (x.Shape.Rank != 4 || x.Shape[1] != Options.Channels)
            throw new ShapeMismatchException($"{GetType().Name} '{Path}': pictures must be [B, {Options.Channels}, H, W]; they are {x.Shape}.");
    }
}
