using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>y walks x with other strides, visiting each element at most once: permutations, slices, reversals.</summary>
internal sealed class StridedFunction : Function
{
    private readonly long[] _strides = new long[Shape.MaxRank];
    private Tensor _x;
    private long _offset;
    private bool _covers;

    protected internal override bool ReadsInputs => false;

    protected internal override bool ReadsOutput => false;

    /// <param name="covers">Every element of x is visited.</param>
    public static Tensor Apply(string operation, Tensor x, Shape shape, long offset, ReadOnlySpan<long> strides, bool covers)
    {
        Scope scope = Scope.Of(operation, x);
        Tensor y = scope.Empty(shape, x.DType);
        scope.Backend.CopyStrided(Walk(x.View, shape, offset, strides), new StridedView(y.View), accumulate: false);
        if (scope.Record<StridedFunction>(y, x) is { } node)
        {
            (node._x, node._offset, node._covers) = (x, offset, covers);
            strides[..shape.Rank].CopyTo(node._strides);
        }

        return y;
    }

    protected override void Backward(in BackwardPass pass)
    {
        if (pass.Gradient(_x) is not { IsWanted: true } dx)
            return;
        bool accumulate = dx.Accumulate;
        if (!accumulate && !_covers)
        {
            pass.Backend.Fill(dx.View, 0);
            accumulate = true;
        }

        pass.Backend.CopyStrided(new StridedView(pass.OutputGradient), Walk(dx.View, Output.Shape, _offset, _strides), accumulate);
    }

    private static StridedView Walk(View view, Shape shape, long offset, ReadOnlySpan<long> strides) =>
        new(view.Address + (nint)(offset * view.DType.Size()), view.DType, shape, strides);
}

/// <summary>y repeats x along axes of length 1; the gradient is the sum over the repetitions.</summary>
internal sealed class ExpandFunction : Function
{
    private Tensor _x;

    protected internal override bool ReadsInputs => false;

    protected internal override bool ReadsOutput => false;

    public static Tensor Apply(Tensor x, Shape shape)
    {
        Scope scope = Scope.Of(nameof(Tensor.Expand), x);
        Tensor y = scope.Empty(shape, x.DType);
        scope.Backend.CopyStrided(Repeating(x.View, shape), new StridedView(y.View), accumulate: false);
        if (scope.Record<ExpandFunction>(y, x) is { } node)
            node._x = x;
        return y;
    }

    /// <summary>A view walked as if it had been repeated to a shape: stride 0 along repeated axes.</summary>
    public static StridedView Repeating(View x, Shape shape)
    {
        Span<long> own = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank];
        x.Shape.Strides(own);
        int offset = shape.Rank - x.Shape.Rank;
        for (int i = 0; i < shape.Rank; i++)
            strides[i] = i < offset || x.Shape[i - offset] == 1 ? 0 : own[i - offset];
        return new StridedView(x.Address, x.DType, shape, strides);
    }

    protected override void Backward(in BackwardPass pass)
    {
        if (pass.Gradient(_x) is not { IsWanted: true } dx)
            return;
        Shape shape = Output.Shape;
        if (shape.Count == 0)
        {
            // Repeated zero times: nothing arrives.
            if (!dx.Accumulate)
                pass.Backend.Fill(dx.View, 0);
            return;
        }

        // Runs of repeated axes are summed one after the other, from the right.
        View current = pass.OutputGradient;
        int end = shape.Rank, inner = 1;
        while (end > 0)
        {
            int start = end;
            while (start > 0 && IsRepeated(start - 1))
                start--;
            if (start == end)
            {
                inner *= shape[--end];
                continue;
            }

            int n = (int)shape.Product(start, end), outer = (int)(current.Count / n / inner);
            bool isLast = (long)outer * inner == dx.View.Count;
            Destination sum = isLast ? dx with { View = dx.View.As([outer, inner]) } : new Destination(pass.Scratch([outer, inner]));
            pass.Backend.Reduce(ReduceOp.Sum, current.As([outer, n, inner]), sum);
            if (isLast)
                return;
            (current, end) = (sum.View, start);
        }

        pass.Backend.Axpby(1, current.As(dx.View.Shape), dx.Beta, dx.View);
    }

    private bool IsRepeated(int axis)
    {
        int own = axis - (Output.Shape.Rank - _x.Shape.Rank);
        return Output.Shape[axis] != 1 && (own < 0 || _x.Shape[own] == 1);
    }
}

/// <summary>y is the parts one after the other along an axis.</summary>
internal sealed class ConcatFunction : Function
{
    private Tensor[] _parts = [];
    private int _count;
    private int _axis;

    protected internal override bool ReadsInputs => false;

    protected internal override bool ReadsOutput => false;

    public static Tensor Apply(int axis, ReadOnlySpan<Tensor> parts)
    {
        if (parts.IsEmpty)
            throw new ArgumentException("Concat: no tensors were given.", nameof(parts));
        Shape first = parts[0].Shape;
        axis = first.Axis(axis);
        int length = 0;
        foreach (Tensor part in parts)
        {
            if (part.Shape.Rank != first.Rank || part.Shape.With(axis, first[axis]) != first)
                throw new ShapeMismatchException($"Concat along axis {axis}: {part.Shape} does not continue {first}.");
            if (part.DType != parts[0].DType)
                throw new InvalidOperationException($"Concat: element types {parts[0].DType} and {part.DType} differ.");
            length += part.Shape[axis];
        }

        Scope scope = Scope.Of(nameof(Tensor.Concat), parts);
        Tensor y = scope.Empty(first.With(axis, length), parts[0].DType);
        int start = 0;
        foreach (Tensor part in parts)
        {
            scope.Backend.CopyStrided(new StridedView(part.View), Window(y.View, part.Shape, axis, start), accumulate: false);
            start += part.Shape[axis];
        }

        if (scope.Record<ConcatFunction>(y, parts) is { } node)
        {
            if (node._parts.Length < parts.Length)
                node._parts = new Tensor[parts.Length];
            parts.CopyTo(node._parts);
            (node._count, node._axis) = (parts.Length, axis);
        }

        return y;
    }

    protected override void Backward(in BackwardPass pass)
    {
        View dy = pass.OutputGradient;
        int start = 0;
        for (int i = 0; i < _count; i++)
        {
            Tensor part = _parts[i];
            if (pass.Gradient(part) is { IsWanted: true } dx)
                pass.Backend.CopyStrided(Window(dy, part.Shape, _axis, start), new StridedView(dx.View), dx.Accumulate);
            start += part.Shape[_axis];
        }
    }

    private static StridedView Window(View whole, Shape part, int axis, int start)
    {
        Span<long> strides = stackalloc long[Shape.MaxRank];
        whole.Shape.Strides(strides);
        return new StridedView(whole.Address + (nint)(start * strides[axis] * whole.DType.Size()), whole.DType, part, strides);
    }
}
