using System.Runtime.CompilerServices;
using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Rearrangements. Tensors are always contiguous: <see cref="Reshape(Shape)"/> is free, the others copy once.</summary>
public readonly partial struct Tensor
{
    /// <summary>The same elements under another shape; one length may be -1 to be derived.</summary>
    /// <exception cref="ShapeMismatchException">The counts differ.</exception>
    [OverloadResolutionPriority(1)]
    public Tensor Reshape(params ReadOnlySpan<int> lengths)
    {
        Span<int> resolved = stackalloc int[lengths.Length];
        lengths.CopyTo(resolved);
        int hole = resolved.IndexOf(-1);
        if (hole >= 0)
        {
            resolved[hole] = 1;
            long rest = new Shape(resolved).Count;
            resolved[hole] = rest == 0 ? 0 : (int)(Count / rest);
        }

        return Reshape(new Shape(resolved));
    }

    /// <inheritdoc cref="Reshape(ReadOnlySpan{int})"/>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Count != Count)
            throw new ShapeMismatchException($"Reshape: {Shape} has {Count} elements, {shape} has {shape.Count}.");
        if (shape == Shape)
            return this;
        return Scope.Of(nameof(Reshape), this).Alias(this, shape);
    }

    /// <summary>Merges axes [start, end] into one.</summary>
    public Tensor Flatten(int start = 0, int end = -1)
    {
        int first = Shape.Axis(start), last = Shape.Axis(end);
        Span<int> lengths = stackalloc int[Shape.Rank - (last - first)];
        for (int i = 0, j = 0; i < Shape.Rank; i++)
        {
            if (i == first)
                lengths[j++] = (int)Shape.Product(first, last + 1);
            else if (i < first || i > last)
                lengths[j++] = Shape[i];
        }

        return Reshape(new Shape(lengths));
    }

    /// <summary>Axes in another order: axis i of the result is axis <paramref name="axes"/>[i] of this.</summary>
    public Tensor Permute(params ReadOnlySpan<int> axes)
    {
        Shape shape = Shape;
        if (axes.Length != shape.Rank)
            throw new ShapeMismatchException($"Permute: {axes.Length} axes were given for shape {shape}.");
        Span<long> all = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank];
        Span<int> lengths = stackalloc int[axes.Length];
        shape.Strides(all);
        int seen = 0;
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = shape.Axis(axes[i]);
            seen |= 1 << axis;
            (lengths[i], strides[i]) = (shape[axis], all[axis]);
        }

        if (seen != (1 << axes.Length) - 1)
            throw new ShapeMismatchException($"Permute: the axes [{string.Join(", ", axes.ToArray())}] name one twice.");
        return StridedFunction.Apply(nameof(Permute), this, new Shape(lengths), 0, strides, covers: true);
    }

    /// <summary>Two axes exchanged.</summary>
    public Tensor Transpose(int first = -2, int second = -1)
    {
        Span<int> axes = stackalloc int[Shape.Rank];
        for (int i = 0; i < axes.Length; i++)
            axes[i] = i;
        (int a, int b) = (Shape.Axis(first), Shape.Axis(second));
        (axes[a], axes[b]) = (b, a);
        return Permute(axes);
    }

    /// <summary>Elements start, start + step, ... below end of one axis. Negative bounds count from the end, as in Python.</summary>
    public Tensor Slice(int axis, int start, int end = int.MaxValue, int step = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        axis = Shape.Axis(axis);
        int length = Shape[axis];
        start = Math.Clamp(start < 0 ? start + length : start, 0, length);
        end = Math.Clamp(end < 0 ? end + length : end, start, length);
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Shape.Strides(strides);
        long offset = start * strides[axis];
        strides[axis] *= step;
        Shape shape = Shape.With(axis, (end - start + step - 1) / step);
        return StridedFunction.Apply(nameof(Slice), this, shape, offset, strides, covers: shape == Shape);
    }

    /// <summary>One position of an axis, which disappears.</summary>
    public Tensor Select(int axis, int index)
    {
        axis = Shape.Axis(axis);
        int resolved = index < 0 ? index + Shape[axis] : index;
        if ((uint)resolved >= (uint)Shape[axis])
            throw new ArgumentOutOfRangeException(nameof(index), index, $"Select: axis {axis} of {Shape} has length {Shape[axis]}.");
        return Slice(axis, resolved, resolved + 1).Reshape(Shape.Without(axis));
    }

    /// <summary>Elements of one axis in reverse order.</summary>
    public Tensor Flip(int axis)
    {
        axis = Shape.Axis(axis);
        Span<long> strides = stackalloc long[Shape.MaxRank];
        Shape.Strides(strides);
        long offset = Math.Max(Shape[axis] - 1, 0) * strides[axis];
        strides[axis] = -strides[axis];
        return StridedFunction.Apply(nameof(Flip), this, Shape, offset, strides, covers: true);
    }

    /// <summary>Elements of one axis shifted cyclically towards higher positions.</summary>
    public Tensor Roll(int axis, int shift)
    {
        int length = Shape[axis];
        int split = length == 0 ? 0 : ((-shift % length) + length) % length;
        return split == 0 ? this : Concat(axis, Slice(axis, split), Slice(axis, 0, split));
    }

    /// <summary>Axes of length 1 (or missing ones on the left) repeated to a shape.</summary>
    public Tensor Expand(Shape shape)
    {
        if (shape == Shape)
            return this;
        if (Broadcasting.Combine(nameof(Expand), Shape, shape) != shape)
            throw new ShapeMismatchException($"Expand: {Shape} does not repeat to {shape}.");
        return ExpandFunction.Apply(this, shape);
    }

    /// <summary>The tensor laid side by side along each axis; more factors than axes add leading axes.</summary>
    public Tensor Repeat(params ReadOnlySpan<int> times)
    {
        Tensor x = this;
        while (x.Shape.Rank < times.Length)
            x = x.Reshape([1, .. x.Shape.AsSpan()]);
        for (int axis = 0; axis < times.Length; axis++)
            x = x.RepeatAlong(axis, times[axis], interleave: false);
        return x;
    }

    /// <summary>Each element of an axis repeated in place.</summary>
    public Tensor RepeatInterleave(int axis, int times) => RepeatAlong(Shape.Axis(axis), times, interleave: true);

    /// <summary>Tensors one after the other along an existing axis.</summary>
    public static Tensor Concat(int axis, params ReadOnlySpan<Tensor> parts) => ConcatFunction.Apply(axis, parts);

    /// <summary>Tensors side by side along a new axis.</summary>
    public static Tensor Stack(int axis, params ReadOnlySpan<Tensor> parts)
    {
        Tensor[] reshaped = new Tensor[parts.Length];
        int at = axis < 0 ? axis + parts[0].Shape.Rank + 1 : axis;
        for (int i = 0; i < parts.Length; i++)
        {
            ReadOnlySpan<int> lengths = parts[i].Shape.AsSpan();
            reshaped[i] = parts[i].Reshape([.. lengths[..at], 1, .. lengths[at..]]);
        }

        return Concat(at, reshaped);
    }

    /// <summary>Consecutive pieces of the given lengths along an axis.</summary>
    public Tensor[] Split(int axis, params ReadOnlySpan<int> lengths)
    {
        Tensor[] parts = new Tensor[lengths.Length];
        int start = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            parts[i] = Slice(axis, start, start + lengths[i]);
            start += lengths[i];
        }

        return start == Shape[axis] ? parts
            : throw new ShapeMismatchException($"Split: lengths sum to {start}, axis {axis} of {Shape} has {Shape[axis]}.");
    }

    /// <summary>At most <paramref name="count"/> pieces of equal length (the last one may be shorter).</summary>
    public Tensor[] Chunk(int axis, int count)
    {
        int length = Shape[axis], size = Math.Max((length + count - 1) / count, 1);
        Tensor[] parts = new Tensor[(length + size - 1) / size];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = Slice(axis, i * size, Math.Min((i + 1) * size, length));
        return parts;
    }

    private Tensor RepeatAlong(int axis, int times, bool interleave)
    {
        if (times == 1)
            return this;
        int outer = (int)Shape.Product(0, axis), n = Shape[axis], inner = (int)Shape.Product(axis + 1, Shape.Rank);
        Shape one = interleave ? [outer * n, 1, inner] : [outer, 1, n * inner];
        return Reshape(one).Expand(one.With(1, times)).Reshape(Shape.With(axis, n * times));
    }
}
