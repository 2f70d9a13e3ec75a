namespace Dino.Tensors;

/// <summary>Orders and running sums along an axis.</summary>
public readonly partial struct Tensor
{
    /// <summary>The k largest (or smallest) elements of an axis, best first; of equal ones the first. NaN comes first either way.</summary>
    /// <param name="count">k.</param>
    /// <param name="indices">Their positions on the axis, I32.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="largest">Whether large is good.</param>
    /// <returns>This shape with k in place of the axis; gradients flow to the elements chosen.</returns>
    /// <exception cref="ShapeMismatchException">The axis is shorter than k.</exception>
    public Tensor TopK(int count, out Tensor indices, int axis = -1, bool largest = true)
    {
        Require(DType.F32, nameof(TopK));
        axis = Shape.Axis(axis);
        if (count < 0 || count > Shape[axis])
            throw new ShapeMismatchException($"TopK: axis {axis} of {Shape} does not hold {count} elements.");
        bool isLast = axis == Shape.Rank - 1;
        Tensor rows = isLast ? this : Transpose(axis, -1);
        Scope scope = Scope.Of(nameof(TopK), this);
        Tensor ranked = largest ? rows.Detach() : -rows.Detach();
        Tensor values = scope.Empty(rows.Shape.With(-1, count));
        indices = scope.Empty(values.Shape, DType.I32);
        scope.Backend.TopK(ranked.View, values.View, indices.View);
        if (RequiresGradient && scope.Mode == GradMode.Record)
            values = rows.Gather(-1, indices);
        else if (!largest)
            values = -values;
        if (isLast)
            return values;
        indices = indices.Transpose(axis, -1);
        return values.Transpose(axis, -1);
    }

    /// <summary>The elements of an axis in rising (or falling) order; equal ones keep theirs.</summary>
    /// <param name="indices">Where each element was, I32.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="descending">Falling order.</param>
    public Tensor Sort(out Tensor indices, int axis = -1, bool descending = false) => TopK(Shape[axis], out indices, axis, descending);

    /// <summary>Positions, I32, that put an axis into rising (or falling) order; equal elements keep theirs.</summary>
    /// <exception cref="InvalidOperationException">The tensor requires a gradient: positions have none.</exception>
    public Tensor ArgSort(int axis = -1, bool descending = false)
    {
        Autograd.NoGradient.Demand(nameof(ArgSort), this);
        Sort(out Tensor indices, axis, descending);
        return indices;
    }

    /// <summary>y[i] = x[0] + ... + x[i] along an axis.</summary>
    public Tensor CumulativeSum(int axis = -1) => CumulativeSumFunction.Apply(this, Shape.Axis(axis));
}
