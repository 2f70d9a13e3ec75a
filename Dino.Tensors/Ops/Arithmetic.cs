using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Functions of two operands with broadcasting: axes align from the right; an axis of length 1 or a missing one repeats.</summary>
public readonly partial struct Tensor
{
    /// <summary>a + b.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Add, a, b);

    /// <summary>a - b.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Subtract, a, b);

    /// <summary>a · b, element by element.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Multiply, a, b);

    /// <summary>a / b.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Divide, a, b);

    /// <summary>a + b.</summary>
    public static Tensor operator +(Tensor a, float b) => a.Affine(1, b);

    /// <summary>a - b.</summary>
    public static Tensor operator -(Tensor a, float b) => a.Affine(1, -b);

    /// <summary>a - b.</summary>
    public static Tensor operator -(float a, Tensor b) => b.Affine(-1, a);

    /// <summary>a · b.</summary>
    public static Tensor operator *(Tensor a, float b) => a.Affine(b, 0);

    /// <summary>a · b.</summary>
    public static Tensor operator *(float a, Tensor b) => b.Affine(a, 0);

    /// <summary>a / b.</summary>
    public static Tensor operator /(Tensor a, float b) => a.Affine(1 / b, 0);

    /// <summary>-a.</summary>
    public static Tensor operator -(Tensor a) => a.Affine(-1, 0);

    /// <summary>The larger of a and b; NaN if either is. Equal elements share the gradient.</summary>
    public static Tensor Maximum(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Maximum, a, b);

    /// <summary>The smaller of a and b; NaN if either is. Equal elements share the gradient.</summary>
    public static Tensor Minimum(Tensor a, Tensor b) => BinaryFunction.Apply(BinaryOp.Minimum, a, b);

    /// <summary>1 where this equals other, else 0.</summary>
    /// <exception cref="InvalidOperationException">An operand requires a gradient: a comparison has none.</exception>
    public Tensor EqualTo(Tensor other) => Compare(BinaryOp.Equal, this, other);

    /// <summary>1 where this is less than other, else 0.</summary>
    /// <exception cref="InvalidOperationException">An operand requires a gradient: a comparison has none.</exception>
    public Tensor LessThan(Tensor other) => Compare(BinaryOp.Less, this, other);

    private static Tensor Compare(BinaryOp op, Tensor a, Tensor b)
    {
        Autograd.NoGradient.Demand(op.ToName(), a);
        Autograd.NoGradient.Demand(op.ToName(), b);
        return BinaryFunction.Apply(op, a, b);
    }

    private sealed class BinaryFunction : Function
    {
        private BinaryOp _op;
        private Tensor _a;
        private Tensor _b;
        private Broadcast _kind;

        /// <summary>a seen as [rows, columns] for the broadcast of b.</summary>
        private Shape _matrix;

        public static Tensor Apply(BinaryOp op, Tensor a, Tensor b)
        {
            a.Require(DType.F32, op.ToName());
            b.Require(DType.F32, op.ToName());
            Scope scope = Scope.Of(op.ToName(), a, b);
            Shape shape = Broadcasting.Combine(op.ToName(), a.Shape, b.Shape);
            if (a.Shape != shape)
                a = a.Expand(shape);
            if (!Broadcasting.TryMatrix(shape, b.Shape, out Broadcast kind, out Shape matrix))
                b = b.Expand(shape);
            Tensor y = scope.Empty(shape);
            scope.Backend.Binary(op, a.View.As(matrix), b.View, y.View.As(matrix), kind);
            if (scope.Record<BinaryFunction>(y, a, b) is { } node)
                (node._op, node._a, node._b, node._kind, node._matrix) = (op, a, b, kind, matrix);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            switch (_op)
            {
                case BinaryOp.Add:
                    Reduce(pass, pass.OutputGradient, 1);
                    pass.PassThrough(_a);
                    break;
                case BinaryOp.Subtract:
                    Reduce(pass, pass.OutputGradient, -1);
                    pass.PassThrough(_a);
                    break;
                case BinaryOp.Multiply:
                    ScaledToA(pass, BinaryOp.Multiply, pass.OutputGradient);
                    if (_b.RequiresGradient)
                        Reduce(pass, Product(pass, pass.OutputGradient, _a.View), 1);
                    break;
                case BinaryOp.Divide:
                    // d(a/b)/db = -y/b: divide dy by b once, then multiply by y.
                    ScaledToA(pass, BinaryOp.Divide, pass.OutputGradient);
                    if (_b.RequiresGradient)
                    {
                        View scaled = pass.Scratch(_matrix);
                        pass.Backend.Binary(BinaryOp.Divide, pass.OutputGradient.As(_matrix), _b.View, scaled, _kind);
                        Reduce(pass, Product(pass, scaled, Output.View), -1);
                    }

                    break;
                case BinaryOp.Mask:
                    ScaledToA(pass, BinaryOp.Mask, pass.OutputGradient);
                    break;
                case BinaryOp.Maximum or BinaryOp.Minimum:
                    Choose(pass);
                    break;
            }
        }

        /// <summary>da = dy · b, dy / b or dy where b is not 0.</summary>
        private void ScaledToA(in BackwardPass pass, BinaryOp op, View dy)
        {
            if (pass.Gradient(_a) is not { IsWanted: true } da)
                return;
            View scaled = da.Accumulate ? pass.Scratch(_matrix) : da.View.As(_matrix);
            pass.Backend.Binary(op, dy.As(_matrix), _b.View, scaled, _kind);
            if (da.Accumulate)
                pass.Backend.Axpby(1, scaled.As(da.View.Shape), 1, da.View);
        }

        /// <summary>The winner gets the gradient; equal operands get half each, as in torch.</summary>
        private void Choose(in BackwardPass pass)
        {
            View dy = pass.OutputGradient.As(_matrix), a = _a.View.As(_matrix);
            View equal = pass.Scratch(_matrix), share = pass.Scratch(_matrix);
            pass.Backend.Binary(BinaryOp.Equal, a, _b.View, equal, _kind);
            // Share of a: 1 where it wins, 1/2 where both are equal. y equals a exactly where a wins or ties.
            pass.Backend.Binary(BinaryOp.Equal, a, Output.View.As(_matrix), share, Broadcast.None);
            pass.Backend.Axpby(-0.5f, equal, 1, share);
            View toA = Product(pass, dy, share);
            if (pass.Gradient(_a) is { IsWanted: true } da)
                pass.Backend.Axpby(1, toA.As(da.View.Shape), da.Beta, da.View);
            if (_b.RequiresGradient)
            {
                View toB = pass.Scratch(_matrix);
                pass.Backend.Binary(BinaryOp.Subtract, dy, toA, toB, Broadcast.None);
                Reduce(pass, toB, 1);
            }
        }

        private View Product(in BackwardPass pass, View x, View y)
        {
            View product = pass.Scratch(_matrix);
            pass.Backend.Binary(BinaryOp.Multiply, x.As(_matrix), y.As(_matrix), product, Broadcast.None);
            return product;
        }

        /// <summary>db = factor · gradient, summed over the repeated axes.</summary>
        private void Reduce(in BackwardPass pass, View gradient, float factor)
        {
            if (pass.Gradient(_b) is not { IsWanted: true } db)
                return;
            if (_kind == Broadcast.None)
            {
                pass.Backend.Axpby(factor, gradient.As(db.View.Shape), db.Beta, db.View);
                return;
            }

            Shape cube = _kind switch
            {
                Broadcast.Row => [1, _matrix[0], _matrix[1]],
                Broadcast.Column => [_matrix[0], _matrix[1], 1],
                _ => [1, checked((int)_matrix.Count), 1],
            };
            if (factor == 1)
            {
                pass.Backend.Reduce(ReduceOp.Sum, gradient.As(cube), db with { View = db.View.As([cube[0], cube[2]]) });
                return;
            }

            View sum = pass.Scratch([cube[0], cube[2]]);
            pass.Backend.Reduce(ReduceOp.Sum, gradient.As(cube), new Destination(sum));
            pass.Backend.Axpby(factor, sum.As(db.View.Shape), db.Beta, db.View);
        }
    }
}
