namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of layer normalisation (Ba et al. 2016, eq. 4, biased variance).</summary>
public abstract partial class Backend
{
    public virtual partial void LayerNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd)
    {
        // Two passes: centring before squaring keeps small variances beside large means.
        ReduceRows(ReduceOp.Sum, x, mean);
        Unary(UnaryOp.Affine, mean, mean, 1f / x.Columns);
        Binary(BinaryOp.Subtract, x, mean, y, Broadcast.Column);
        ReduceRows(ReduceOp.SumOfSquares, y, rstd);
        Unary(UnaryOp.Affine, rstd, rstd, 1f / x.Columns, epsilon);
        Unary(UnaryOp.Rsqrt, rstd, rstd);
        Binary(BinaryOp.Multiply, y, rstd, y, Broadcast.Column);
        if (gamma.Exists)
            Binary(BinaryOp.Multiply, y, gamma, y, Broadcast.Row);
        if (beta.Exists)
            Binary(BinaryOp.Add, y, beta, y, Broadcast.Row);
    }

    public virtual partial void LayerNormBackward(in View x, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        using ScratchFrame scratch = OpenScratch();
        View normalised = scratch.Take(x.Shape);
        View work = scratch.Take(x.Shape);
        Binary(BinaryOp.Subtract, x, mean, normalised, Broadcast.Column);
        Binary(BinaryOp.Multiply, normalised, rstd, normalised, Broadcast.Column);
        if (dbeta.IsWanted)
            ReduceColumns(ReduceOp.Sum, dy, dbeta);
        if (dgamma.IsWanted)
        {
            Binary(BinaryOp.Multiply, dy, normalised, work, Broadcast.None);
            ReduceColumns(ReduceOp.Sum, work, dgamma);
        }

        if (!dx.IsWanted)
            return;

        // With g = gamma dy and n the normalised row: dx = rstd (g - mean(g) - n mean(g n)).
        View scaled = dy;
        if (gamma.Exists)
        {
            scaled = scratch.Take(x.Shape);
            Binary(BinaryOp.Multiply, dy, gamma, scaled, Broadcast.Row);
        }

        View average = scratch.Take([Lines(x)]);
        View projection = scratch.Take([Lines(x)]);
        ReduceRows(ReduceOp.Sum, scaled, average);
        Unary(UnaryOp.Affine, average, average, 1f / x.Columns);
        Binary(BinaryOp.Multiply, scaled, normalised, work, Broadcast.None);
        ReduceRows(ReduceOp.Sum, work, projection);
        Unary(UnaryOp.Affine, projection, projection, 1f / x.Columns);

        Binary(BinaryOp.Multiply, normalised, projection, normalised, Broadcast.Column);
        Binary(BinaryOp.Subtract, scaled, average, work, Broadcast.Column);
        Binary(BinaryOp.Subtract, work, normalised, work, Broadcast.None);
        Binary(BinaryOp.Multiply, work, rstd, work, Broadcast.Column);
        Axpby(1f, work, dx.Beta, dx.View);
    }
}
