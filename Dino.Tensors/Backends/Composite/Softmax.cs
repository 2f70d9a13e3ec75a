namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of the softmax family, and the reductions that all composites over rows and columns share.</summary>
public abstract partial class Backend
{
    public virtual partial void Softmax(in View x, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View row = scratch.Take([Lines(x)]);
        // A row that holds +inf, NaN or nothing but -inf becomes NaN through inf - inf, as in torch.
        ReduceRows(ReduceOp.Max, x, row);
        Binary(BinaryOp.Subtract, x, row, y, Broadcast.Column);
        Unary(UnaryOp.Exp, y, y);
        ReduceRows(ReduceOp.Sum, y, row);
        Binary(BinaryOp.Divide, y, row, y, Broadcast.Column);
    }

    public virtual partial void SoftmaxBackward(in View y, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        using ScratchFrame scratch = OpenScratch();
        View row = scratch.Take([Lines(y)]);
        View work = scratch.Take(y.Shape);
        Binary(BinaryOp.Multiply, y, dy, work, Broadcast.None);
        ReduceRows(ReduceOp.Sum, work, row);
        Binary(BinaryOp.Subtract, dy, row, work, Broadcast.Column);
        Binary(BinaryOp.Multiply, work, y, work, Broadcast.None);
        Axpby(1f, work, dx.Beta, dx.View);
    }

    public virtual partial void LogSoftmax(in View x, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View row = scratch.Take([Lines(x)]);
        View work = scratch.Take(x.Shape);
        ReduceRows(ReduceOp.Max, x, row);
        Binary(BinaryOp.Subtract, x, row, y, Broadcast.Column);
        Unary(UnaryOp.Exp, y, work);
        ReduceRows(ReduceOp.Sum, work, row);
        Unary(UnaryOp.Log, row, row);
        Binary(BinaryOp.Subtract, y, row, y, Broadcast.Column);
    }

    public virtual partial void LogSoftmaxBackward(in View y, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        using ScratchFrame scratch = OpenScratch();
        View row = scratch.Take([Lines(y)]);
        View work = scratch.Take(y.Shape);
        ReduceRows(ReduceOp.Sum, dy, row);
        Unary(UnaryOp.Exp, y, work);
        Binary(BinaryOp.Multiply, work, row, work, Broadcast.Column);
        Binary(BinaryOp.Subtract, dy, work, work, Broadcast.None);
        Axpby(1f, work, dx.Beta, dx.View);
    }

    /// <summary>The rows of x as an axis length.</summary>
    private static int Lines(in View x) => checked((int)x.Rows);

    /// <summary>y [R] = x [R, C] reduced over C.</summary>
    private void ReduceRows(ReduceOp op, in View x, in View y) =>
        Reduce(op, x.As([Lines(x), x.Columns, 1]), new Destination(y.As([Lines(x), 1])));

    /// <summary>y [C] = x [R, C] reduced over R.</summary>
    private void ReduceColumns(ReduceOp op, in View x, in Destination y) =>
        Reduce(op, x.As([1, Lines(x), x.Columns]), y with { View = y.View.As([1, x.Columns]) });
}
