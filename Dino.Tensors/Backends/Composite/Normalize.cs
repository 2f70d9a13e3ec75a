namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of division by row norms: L2 normalisation and weight normalisation (Salimans and Kingma 2016).</summary>
public abstract partial class Backend
{
    public virtual partial void Normalize(in View x, float epsilon, in View y, in View norms)
    {
        using ScratchFrame scratch = OpenScratch();
        View divisor = scratch.Take([Lines(x)]);
        RowNorms(x, norms);
        Unary(UnaryOp.Clamp, norms, divisor, epsilon, float.PositiveInfinity);
        Binary(BinaryOp.Divide, x, divisor, y, Broadcast.Column);
    }

    public virtual partial void NormalizeBackward(in View y, in View norms, float epsilon, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        using ScratchFrame scratch = OpenScratch();
        View divisor = scratch.Take([Lines(y)]);
        View projection = scratch.Take([Lines(y)]);
        View free = scratch.Take([Lines(y)]);
        View work = scratch.Take(y.Shape);
        Binary(BinaryOp.Multiply, y, dy, work, Broadcast.None);
        ReduceRows(ReduceOp.Sum, work, projection);

        // free = 0 where the norm was clamped: there y is linear in x and nothing is projected out.
        Fill(divisor, epsilon);
        Binary(BinaryOp.Less, norms, divisor, free, Broadcast.None);
        Unary(UnaryOp.Affine, free, free, -1f, 1f);
        Binary(BinaryOp.Multiply, projection, free, projection, Broadcast.None);

        Binary(BinaryOp.Maximum, divisor, norms, divisor, Broadcast.None);
        Binary(BinaryOp.Multiply, y, projection, work, Broadcast.Column);
        Binary(BinaryOp.Subtract, dy, work, work, Broadcast.None);
        Binary(BinaryOp.Divide, work, divisor, work, Broadcast.Column);
        Axpby(1f, work, dx.Beta, dx.View);
    }

    public virtual partial void WeightNorm(in View v, in View g, in View w, in View norms)
    {
        using ScratchFrame scratch = OpenScratch();
        View scale = scratch.Take([Lines(v)]);
        RowNorms(v, norms);
        Binary(BinaryOp.Divide, g.As(scale.Shape), norms.As(scale.Shape), scale, Broadcast.None);
        Binary(BinaryOp.Multiply, v, scale, w, Broadcast.Column);
    }

    public virtual partial void WeightNormBackward(in View v, in View g, in View norms, in View dw, in Destination dv, in Destination dg)
    {
        using ScratchFrame scratch = OpenScratch();
        View projection = scratch.Take([Lines(v)]);
        View scale = scratch.Take([Lines(v)]);
        View work = scratch.Take(v.Shape);
        View length = norms.As(scale.Shape);

        // With u = v / ‖v‖: dg = Σ dw u, and dv = g / ‖v‖ (dw - u dg).
        Binary(BinaryOp.Multiply, v, dw, work, Broadcast.None);
        ReduceRows(ReduceOp.Sum, work, projection);
        Binary(BinaryOp.Divide, projection, length, projection, Broadcast.None);
        if (dg.IsWanted)
            Axpby(1f, projection, dg.Beta, dg.View.As(scale.Shape));
        if (!dv.IsWanted)
            return;

        Binary(BinaryOp.Divide, projection, length, projection, Broadcast.None);
        Binary(BinaryOp.Divide, g.As(scale.Shape), length, scale, Broadcast.None);
        Binary(BinaryOp.Multiply, v, projection, work, Broadcast.Column);
        Binary(BinaryOp.Subtract, dw, work, work, Broadcast.None);
        Binary(BinaryOp.Multiply, work, scale, work, Broadcast.Column);
        Axpby(1f, work, dv.Beta, dv.View);
    }

    private void RowNorms(in View x, in View norms)
    {
        ReduceRows(ReduceOp.SumOfSquares, x, norms);
        Unary(UnaryOp.Sqrt, norms, norms);
    }
}
