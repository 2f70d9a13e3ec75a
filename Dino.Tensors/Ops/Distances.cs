namespace Dino.Tensors;

/// <summary>Similarities and distances of vectors along an axis. Other axes broadcast.</summary>
public readonly partial struct Tensor
{
    /// <summary>a · b / (max(‖a‖, epsilon) · max(‖b‖, epsilon)) along an axis, which disappears.</summary>
    /// <exception cref="ShapeMismatchException">The shapes do not broadcast.</exception>
    public Tensor CosineSimilarity(Tensor other, int axis = -1, float epsilon = 1e-8f) =>
        (Normalize(axis, epsilon) * other.Normalize(axis, epsilon)).Sum([axis]);

    /// <summary>‖a - b + epsilon‖ along the last axis, which disappears.</summary>
    /// <param name="other">The other vectors.</param>
    /// <param name="epsilon">Added to every component of the difference, as in torch.nn.PairwiseDistance: equal vectors have a distance and a gradient.</param>
    /// <exception cref="ShapeMismatchException">The shapes do not broadcast.</exception>
    public Tensor PairwiseDistance(Tensor other, float epsilon = 1e-6f) => (this - other + epsilon).NormL2([-1]);
}
