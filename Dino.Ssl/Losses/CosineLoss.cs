using Dino.Tensors;

namespace Dino.Ssl.Losses;

/// <summary>Losses that turn the prediction for one view towards the projection of another, which is taken as a constant: BYOL and SimSiam.</summary>
public static class CosineLoss
{
    /// <summary>-cos(prediction, target), mean over the rows. No gradient reaches the target.</summary>
    /// <param name="prediction">[B, D].</param>
    /// <param name="target">[B, D].</param>
    /// <exception cref="ShapeMismatchException">The shapes differ: rows are compared one to one.</exception>
    /// <remarks>Chen and He 2021, eq. 1; lightly's NegativeCosineSimilarity.</remarks>
    public static Tensor NegativeCosine(Tensor prediction, Tensor target)
    {
        if (prediction.Shape != target.Shape)
            throw new ShapeMismatchException($"NegativeCosine: the prediction is {prediction.Shape}, the target {target.Shape}; they must be equal.");
        return -prediction.CosineSimilarity(target.Detach()).Mean();
    }

    /// <summary>SimSiam: the mean of both directions, each view's prediction against the other's projection.</summary>
    /// <param name="firstPrediction">Prediction of the first view [B, D].</param>
    /// <param name="secondPrediction">Prediction of the second view [B, D].</param>
    /// <param name="firstTarget">Projection of the first view [B, D]; gets no gradient.</param>
    /// <param name="secondTarget">Projection of the second view [B, D]; gets no gradient.</param>
    /// <returns>From -1 (all agree) to 1.</returns>
    /// <remarks>Chen and He 2021, eq. 4.</remarks>
    public static Tensor SimSiam(Tensor firstPrediction, Tensor secondPrediction, Tensor firstTarget, Tensor secondTarget) =>
        (NegativeCosine(firstPrediction, secondTarget) + NegativeCosine(secondPrediction, firstTarget)) * 0.5f;

    /// <summary>BYOL: the sum of both directions of 2 - 2 cos, the squared distance of the L2-normalised vectors.</summary>
    /// <param name="firstPrediction">Prediction of the first view [B, D].</param>
    /// <param name="secondPrediction">Prediction of the second view [B, D].</param>
    /// <param name="firstTarget">The target network's projection of the first view [B, D]; gets no gradient.</param>
    /// <param name="secondTarget">The target network's projection of the second view [B, D]; gets no gradient.</param>
    /// <returns>From 0 (all agree) to 8.</returns>
    /// <remarks>Grill et al. 2020, eq. 2, symmetrised.</remarks>
    public static Tensor Byol(Tensor firstPrediction, Tensor secondPrediction, Tensor firstTarget, Tensor secondTarget) =>
        (SimSiam(firstPrediction, secondPrediction, firstTarget, secondTarget) * 4) + 4;
}
