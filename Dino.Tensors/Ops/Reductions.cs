using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Reductions over axes. No axes means all of them. Negative axes count from the end.</summary>
public readonly partial struct Tensor
{
    /// <summary>Σ x.</summary>
    public Tensor Sum(ReadOnlySpan<int> axes = default, bool keep = false) => ReduceFunction.Apply(ReduceOp.Sum, this, axes, keep);

    /// <summary>Mean of the elements.</summary>
    public Tensor Mean(ReadOnlySpan<int> axes = default, bool keep = false)
    {
        Tensor sum = Sum(axes, keep);
        return sum * (1f / ((float)Count / Math.Max(sum.Count, 1)));
    }

    /// <summary>Variance, by deviations from the mean. Unbiased divides by n - 1.</summary>
    public Tensor Variance(ReadOnlySpan<int> axes = default, bool keep = false, bool unbiased = true)
    {
        Tensor squares = ReduceFunction.Apply(ReduceOp.SumOfSquares, this - Mean(axes, keep: true), axes, keep);
        float n = (float)Count / Math.Max(squares.Count, 1);
        return squares * (1f / (n - (unbiased ? 1 : 0)));
    }

    /// <summary>Standard deviation. The gradient is zero where it is 0.</summary>
    public Tensor StandardDeviation(ReadOnlySpan<int> axes = default, bool keep = false, bool unbiased = true) =>
        Variance(axes, keep, unbiased).FlatRoot();

    /// <summary>Largest element; NaN if any is. Equal elements share the gradient.</summary>
    public Tensor Max(ReadOnlySpan<int> axes = default, bool keep = false) => ReduceFunction.Apply(ReduceOp.Max, this, axes, keep);

    /// <summary>Smallest element; NaN if any is. Equal elements share the gradient.</summary>
    public Tensor Min(ReadOnlySpan<int> axes = default, bool keep = false) => ReduceFunction.Apply(ReduceOp.Min, this, axes, keep);

    /// <summary>Σ |x|.</summary>
    public Tensor NormL1(ReadOnlySpan<int> axes = default, bool keep = false) => ReduceFunction.Apply(ReduceOp.SumOfMagnitudes, this, axes, keep);

    /// <summary>√Σ x². The gradient is zero where the norm is 0.</summary>
    public Tensor NormL2(ReadOnlySpan<int> axes = default, bool keep = false) => ReduceFunction.Apply(ReduceOp.SumOfSquares, this, axes, keep).FlatRoot();

    /// <summary>Index of the first largest element of an axis, I32.</summary>
    /// <exception cref="InvalidOperationException">The tensor requires a gradient: a position has none.</exception>
    public Tensor ArgMax(int axis = -1) => ArgReduce(nameof(ArgMax), largest: true, axis);

    /// <summary>Index of the first smallest element of an axis, I32.</summary>
    /// <exception cref="InvalidOperationException">The tensor requires a gradient: a position has none.</exception>
    public Tensor ArgMin(int axis = -1) => ArgReduce(nameof(ArgMin), largest: false, axis);

    /// <summary>Square root whose gradient at 0 is 0 instead of infinite: the mask in front drops it, as torch does for norms and deviations.</summary>
    private Tensor FlatRoot() => Keep(Detach()).Sqrt();

    private Tensor ArgReduce(string operation, bool largest, int axis)
    {
        Require(DType.F32, operation);
        Autograd.NoGradient.Demand(operation, this);
        Scope scope = Scope.Of(operation, this);
        axis = Shape.Axis(axis);
        Tensor y = scope.Empty(Shape.Without(axis), DType.I32);
        Shape cube = ReduceFunction.Cube(Shape, axis, axis + 1);
        scope.Backend.ArgReduce(largest, View.As(cube), y.View.As([cube[0], cube[2]]));
        return y;
    }

    private sealed class ReduceFunction : Function
    {
        private ReduceOp _op;
        private Tensor _x;

        /// <summary>x as [outer, n, inner], the middle one reduced.</summary>
        private Shape _cube;

        public static Tensor Apply(ReduceOp op, Tensor x, ReadOnlySpan<int> axes, bool keep)
        {
            x.Require(DType.F32, "Reduce");
            Shape shape = x.Shape;
            int reduced = 0;
            foreach (int axis in axes)
                reduced |= 1 << shape.Axis(axis);
            if (axes.IsEmpty)
                reduced = (1 << shape.Rank) - 1;
            if (!TryRun(shape, reduced, out int start, out int end))
            {
                x = MoveLast(x, reduced);
                end = x.Shape.Rank;
                start = end - System.Numerics.BitOperations.PopCount((uint)reduced);
            }

            Scope scope = Scope.Of("Reduce", x);
            Shape cube = Cube(x.Shape, start, end);
            Tensor y = scope.Empty(Result(shape, reduced, keep));
            scope.Backend.Reduce(op, x.View.As(cube), new Destination(y.View.As([cube[0], cube[2]])));
            if (scope.Record<ReduceFunction>(y, x) is { } node)
                (node._op, node._x, node._cube) = (op, x, cube);
            return y;
        }

        public static Shape Cube(Shape shape, int start, int end) =>
            [checked((int)shape.Product(0, start)), checked((int)shape.Product(start, end)), checked((int)shape.Product(end, shape.Rank))];

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_x) is not { IsWanted: true } dx)
                return;
            Shape flat = [_cube[0], 1, _cube[2]];
            View target = dx.View.As(_cube);
            StridedView dy = ExpandFunction.Repeating(pass.OutputGradient.As(flat), _cube);
            if (_op == ReduceOp.Sum)
            {
                pass.Backend.CopyStrided(dy, new StridedView(target), dx.Accumulate);
                return;
            }

            // dx = factor(x) · dy, dy repeated along the reduced axis.
            View factor = pass.Scratch(_cube), spread = pass.Scratch(_cube);
            Factor(pass, factor, flat);
            pass.Backend.CopyStrided(dy, new StridedView(spread), accumulate: false);
            View product = dx.Accumulate ? factor : target;
            pass.Backend.Binary(BinaryOp.Multiply, factor, spread, product, Broadcast.None);
            if (dx.Accumulate)
                pass.Backend.Axpby(1, product, 1, target);
        }

        private void Factor(in BackwardPass pass, View factor, Shape flat)
        {
            View x = _x.View.As(_cube);
            switch (_op)
            {
                case ReduceOp.SumOfSquares:
                    pass.Backend.Axpby(2, x, 0, factor);
                    break;
                case ReduceOp.SumOfMagnitudes:
                    pass.Backend.Unary(UnaryOp.Sign, x, factor);
                    break;
                default:
                    // 1 / (number of winners) at each winner.
                    View spread = pass.Scratch(_cube), winners = pass.Scratch([_cube[0], _cube[2]]);
                    pass.Backend.CopyStrided(ExpandFunction.Repeating(Output.View.As(flat), _cube), new StridedView(spread), accumulate: false);
                    pass.Backend.Binary(BinaryOp.Equal, x, spread, factor, Broadcast.None);
                    pass.Backend.Reduce(ReduceOp.Sum, factor, new Destination(winners));
                    pass.Backend.CopyStrided(ExpandFunction.Repeating(winners.As(flat), _cube), new StridedView(spread), accumulate: false);
                    pass.Backend.Binary(BinaryOp.Divide, factor, spread, factor, Broadcast.None);
                    break;
            }
        }

        private static bool TryRun(Shape shape, int reduced, out int start, out int end)
        {
            start = 0;
            while (start < shape.Rank && (reduced >> start & 1) == 0)
                start++;
            end = start;
            while (end < shape.Rank && (reduced >> end & 1) == 1)
                end++;
            return reduced >> end == 0;
        }

        private static Tensor MoveLast(Tensor x, int reduced)
        {
            Span<int> axes = stackalloc int[x.Shape.Rank];
            int at = 0;
            for (int pass = 0; pass < 2; pass++)
            {
                for (int i = 0; i < axes.Length; i++)
                {
                    if ((reduced >> i & 1) == pass)
                        axes[at++] = i;
                }
            }

            return x.Permute(axes);
        }

        private static Shape Result(Shape shape, int reduced, bool keep)
        {
            Span<int> lengths = stackalloc int[shape.Rank];
            int at = 0;
            for (int i = 0; i < shape.Rank; i++)
            {
                if ((reduced >> i & 1) == 0)
                    lengths[at++] = shape[i];
                else if (keep)
                    lengths[at++] = 1;
            }

            return new Shape(lengths[..at]);
        }
    }
}
