namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of batch normalisation in train mode (Ioffe and Szegedy 2015): statistics of each column over all rows.</summary>
public abstract partial class Backend
{
    public virtual partial void BatchNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View variance)
    {
        using ScratchFrame scratch = OpenScratch();
        View rstd = scratch.Take([x.Columns]);
        ReduceColumns(ReduceOp.Sum, x, new Destination(mean));
        Unary(UnaryOp.Affine, mean, mean, 1f / x.Rows);
        Binary(BinaryOp.Subtract, x, mean, y, Broadcast.Row);
        ReduceColumns(ReduceOp.SumOfSquares, y, new Destination(variance));
        Unary(UnaryOp.Affine, variance, variance, 1f / x.Rows);
        Deviations(variance, epsilon, rstd);
        Binary(BinaryOp.Multiply, y, rstd, y, Broadcast.Row);
        if (gamma.Exists)
            Binary(BinaryOp.Multiply, y, gamma, y, Broadcast.Row);
        if (beta.Exists)
            Binary(BinaryOp.Add, y, beta, y, Broadcast.Row);
    }

    public virtual partial void BatchNormBackward(in View x, in View gamma, in View mean, in View variance, float epsilon, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        using ScratchFrame scratch = OpenScratch();
        View rstd = scratch.Take([x.Columns]);
        View sum = scratch.Take([x.Columns]);
        View projection = scratch.Take([x.Columns]);
        View normalised = scratch.Take(x.Shape);
        View work = scratch.Take(x.Shape);
        Deviations(variance, epsilon, rstd);
        Binary(BinaryOp.Subtract, x, mean, normalised, Broadcast.Row);
        Binary(BinaryOp.Multiply, normalised, rstd, normalised, Broadcast.Row);
        ReduceColumns(ReduceOp.Sum, dy, new Destination(sum));
        Binary(BinaryOp.Multiply, dy, normalised, work, Broadcast.None);
        ReduceColumns(ReduceOp.Sum, work, new Destination(projection));
        if (dbeta.IsWanted)
            Axpby(1f, sum, dbeta.Beta, dbeta.View);
        if (dgamma.IsWanted)
            Axpby(1f, projection, dgamma.Beta, dgamma.View);
        if (!dx.IsWanted)
            return;

        // dx = gamma rstd (dy - mean(dy) - n mean(dy n)) by columns.
        Unary(UnaryOp.Affine, sum, sum, 1f / x.Rows);
        Unary(UnaryOp.Affine, projection, projection, 1f / x.Rows);
        if (gamma.Exists)
            Binary(BinaryOp.Multiply, rstd, gamma, rstd, Broadcast.None);
        Binary(BinaryOp.Multiply, normalised, projection, normalised, Broadcast.Row);
        Binary(BinaryOp.Subtract, dy, sum, work, Broadcast.Row);
        Binary(BinaryOp.Subtract, work, normalised, work, Broadcast.None);
        Binary(BinaryOp.Multiply, work, rstd, work, Broadcast.Row);
        Axpby(1f, work, dx.Beta, dx.View);
    }

    /// <summary>rstd = 1 / sqrt(variance + epsilon).</summary>
    private void Deviations(in View variance, float epsilon, in View rstd)
    {
        Unary(UnaryOp.Affine, variance, rstd, 1f, epsilon);
        Unary(UnaryOp.Rsqrt, rstd, rstd);
    }
}
