namespace Dino.Tensors;

/// <summary>Search among the rows of a matrix.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// The k rows of a memory with the largest products: the k largest elements of this [M, D] · memoryᵀ [N, D] + offsets [N] by rows, without storing the
    /// product. With unit rows these are the most similar; with offsets of -½‖row‖² the nearest in Euclidean distance.
    /// </summary>
    /// <param name="memory">[N, D], F32.</param>
    /// <param name="count">k, at most N.</param>
    /// <param name="indices">[M, k], I32: which rows; of equal products the first.</param>
    /// <param name="offsets">[N], F32, added to every row of the product; none by default.</param>
    /// <returns>[M, k], falling. NaN ranks above every number.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit, or the memory has fewer than k rows.</exception>
    /// <exception cref="InvalidOperationException">An operand requires a gradient: the search has none.</exception>
    public Tensor TopProducts(Tensor memory, int count, out Tensor indices, Tensor offsets = default)
    {
        Require(DType.F32, nameof(TopProducts));
        memory.Require(DType.F32, nameof(TopProducts));
        Autograd.NoGradient.Demand(nameof(TopProducts), this);
        Autograd.NoGradient.Demand(nameof(TopProducts), memory);
        if (Shape.Rank != 2 || memory.Shape.Rank != 2 || Shape[1] != memory.Shape[1])
            throw new ShapeMismatchException($"TopProducts: {Shape} and a memory of {memory.Shape} are not [M, D] and [N, D].");
        if (count < 0 || count > memory.Shape[0])
            throw new ShapeMismatchException($"TopProducts: a memory of {memory.Shape} does not hold {count} rows.");
        if (offsets.Exists)
        {
            offsets.Require(DType.F32, nameof(TopProducts));
            Autograd.NoGradient.Demand(nameof(TopProducts), offsets);
            if (offsets.Shape.Rank != 1 || offsets.Shape[0] != memory.Shape[0])
                throw new ShapeMismatchException($"TopProducts: offsets of {offsets.Shape} for a memory of {memory.Shape}.");
        }

        Scope scope = Scope.Of(nameof(TopProducts), this, memory, offsets);
        Tensor values = scope.Empty([Shape[0], count]);
        indices = scope.Empty(values.Shape, DType.I32);
        scope.Backend.TopProducts(View, memory.View, offsets.Exists ? offsets.View : default, values.View, indices.View);
        return values;
    }
}
