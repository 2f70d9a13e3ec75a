using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Elements and rows picked by I32 indices. Repeated indices repeat values; their gradients add up.</summary>
public readonly partial struct Tensor
{
    /// <summary>Positions of one axis, in the order of the indices.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="indices">[K], I32, in [0, length of the axis).</param>
    /// <returns>This shape with K in place of the axis.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the axis.</exception>
    public Tensor IndexSelect(int axis, Tensor indices)
    {
        RequireIndices(nameof(IndexSelect), indices);
        axis = Shape.Axis(axis);
        int count = indices.Shape[0];
        (Tensor table, Shape moved) = ToRows(axis);
        Tensor rows = GatherFunction.Apply(nameof(IndexSelect), table, indices);
        return FromRows(rows, moved.With(0, count), axis);
    }

    /// <inheritdoc cref="IndexSelect(int, Tensor)"/>
    public Tensor IndexSelect(int axis, params ReadOnlySpan<int> indices) =>
        IndexSelect(axis, Scope.Of(nameof(IndexSelect), this).Upload(indices, [indices.Length]));

    /// <summary>A copy of this tensor with alpha · source[i] added at position indices[i] of an axis, for each i.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="indices">[K], I32.</param>
    /// <param name="source">This shape with K in place of the axis.</param>
    /// <param name="alpha">Factor of the source.</param>
    /// <exception cref="ShapeMismatchException">The source does not fit.</exception>
    public Tensor IndexAdd(int axis, Tensor indices, Tensor source, float alpha = 1)
    {
        RequireIndices(nameof(IndexAdd), indices);
        axis = Shape.Axis(axis);
        if (source.Shape != Shape.With(axis, indices.Shape[0]))
            throw new ShapeMismatchException($"IndexAdd: source {source.Shape} must be {Shape.With(axis, indices.Shape[0])} for {indices.Shape[0]} indices on axis {axis} of {Shape}.");
        (Tensor table, Shape moved) = ToRows(axis);
        (Tensor rows, _) = (alpha == 1 ? source : source * alpha).ToRows(axis);
        return FromRows(ScatterAddFunction.Apply(table, indices, rows), moved, axis);
    }

    /// <summary>Picks along one axis by an index per element: y[i, j, k] = x[i, index[i, j, k], k] for axis 1.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="indices">I32, as many axes as this tensor; on other axes it may be shorter.</param>
    /// <returns>The shape of the indices.</returns>
    /// <exception cref="ShapeMismatchException">The indices have other axes or are too long.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index lies outside the axis.</exception>
    /// <remarks>The indices pass through the host: waits for the device. <see cref="IndexSelect(int, Tensor)"/> does not.</remarks>
    public Tensor Gather(int axis, Tensor indices)
    {
        indices.Require(DType.I32, nameof(Gather));
        axis = Shape.Axis(axis);
        bool fits = indices.Shape.Rank == Shape.Rank;
        for (int i = 0; fits && i < Shape.Rank; i++)
            fits = i == axis || indices.Shape[i] <= Shape[i];
        if (!fits)
            throw new ShapeMismatchException($"Gather along axis {axis}: indices {indices.Shape} do not fit {Shape}.");
        int[] positions = indices.ToIndices();
        Flatten(positions, indices.Shape, axis);
        return Reshape(checked((int)Count)).IndexSelect(0, positions).Reshape(indices.Shape);
    }

    /// <summary>Replaces indices along an axis by positions in the flat tensor.</summary>
    private void Flatten(int[] positions, Shape shape, int axis)
    {
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Span<int> at = stackalloc int[Shape.MaxRank];
        Shape.Strides(strides);
        at.Clear();
        for (int i = 0; i < positions.Length; i++)
        {
            if ((uint)positions[i] >= (uint)Shape[axis])
                throw new ArgumentOutOfRangeException(nameof(positions), $"Gather: index {positions[i]} lies outside axis {axis} of {Shape}.");
            long position = positions[i] * strides[axis];
            for (int j = 0; j < shape.Rank; j++)
                position += j == axis ? 0 : at[j] * strides[j];
            positions[i] = checked((int)position);
            for (int j = shape.Rank - 1; j >= 0 && ++at[j] == shape[j]; j--)
                at[j] = 0;
        }
    }

    private static void RequireIndices(string operation, Tensor indices)
    {
        indices.Require(DType.I32, operation);
        if (indices.Shape.Rank != 1)
            throw new ShapeMismatchException($"{operation}: indices must have one axis, they are {indices.Shape}.");
    }

    /// <summary>An axis moved to the front, all others merged into the second one; also the shape before merging.</summary>
    private (Tensor Rows, Shape Moved) ToRows(int axis)
    {
        Tensor moved = axis == 0 ? this : Transpose(0, axis);
        int length = moved.Shape[0];
        return (moved.Reshape(length, length == 0 ? checked((int)Shape.Without(axis).Count) : checked((int)(Count / length))), moved.Shape);
    }

    private static Tensor FromRows(Tensor rows, Shape moved, int axis)
    {
        Tensor y = rows.Reshape(moved);
        return axis == 0 ? y : y.Transpose(0, axis);
    }

    /// <summary>y [K, C] = rows of x [N, C].</summary>
    private sealed class GatherFunction : Function
    {
        private Tensor _x;
        private Tensor _indices;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(string operation, Tensor x, Tensor indices)
        {
            Scope scope = Scope.Of(operation, x, indices);
            Tensor y = scope.Empty(x.Shape.With(0, indices.Shape[0]), x.DType);
            scope.Backend.GatherRows(x.View, indices.View, y.View);
            if (scope.Record<GatherFunction>(y, x, indices) is { } node)
                (node._x, node._indices) = (x, indices);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is not { IsWanted: true } dx)
                return;
            if (!dx.Accumulate)
                pass.Backend.Fill(dx.View, 0);
            pass.Backend.ScatterAddRows(pass.OutputGradient, _indices.View, dx.View);
        }
    }

    /// <summary>y [N, C] = x, with rows of source [K, C] added.</summary>
    private sealed class ScatterAddFunction : Function
    {
        private Tensor _x;
        private Tensor _indices;
        private Tensor _source;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor x, Tensor indices, Tensor source)
        {
            x.Require(DType.F32, nameof(IndexAdd));
            source.Require(DType.F32, nameof(IndexAdd));
            Scope scope = Scope.Of(nameof(IndexAdd), x, indices, source);
            Tensor y = scope.Empty(x.Shape);
            scope.Backend.Copy(x.View, y.View);
            scope.Backend.ScatterAddRows(source.View, indices.View, y.View);
            if (scope.Record<ScatterAddFunction>(y, x, indices, source) is { } node)
                (node._x, node._indices, node._source) = (x, indices, source);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_source) is { IsWanted: true } dsource)
            {
                View rows = dsource.Accumulate ? pass.Scratch(dsource.View.Shape) : dsource.View;
                pass.Backend.GatherRows(pass.OutputGradient, _indices.View, rows);
                if (dsource.Accumulate)
                    pass.Backend.Axpby(1, rows, 1, dsource.View);
            }

            pass.PassThrough(_x);
        }
    }
}
