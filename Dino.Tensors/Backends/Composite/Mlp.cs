namespace Dino.Tensors.Backends;

/// <summary>The MLP as two linear layers, its hidden values in scratch.</summary>
public abstract partial class Backend
{
    public virtual partial void Mlp(in View x, in MlpViews mlp, in View preActivation, in View residual, in View samples, in View factors, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View hidden = scratch.Take(x.Shape.With(-1, mlp.FirstWeight.Shape[0]), InnerType);
        Linear(x, mlp.FirstWeight, mlp.FirstBias, Activation.Gelu, preActivation, hidden);
        if (samples.Exists)
            SampleLinear(hidden, samples, mlp.SecondWeight, mlp.SecondBias, residual, factors, y);
        else
            Linear(hidden, mlp.SecondWeight, mlp.SecondBias, Activation.Identity, View.None, y, residual, factors);
    }

    public virtual partial void MlpBackward(in View x, in MlpViews mlp, in View preActivation, in View samples, in View factors, in View dy, in Destination dx, in MlpGradients gradients)
    {
        using ScratchFrame scratch = OpenScratch();
        (int rows, int inputs, int width, int outputs) = (checked((int)x.Rows), x.Columns, preActivation.Columns, dy.Columns);
        View branch = dy;
        if (samples.Exists)
        {
            branch = scratch.Take(x.Shape.With(-1, outputs));
            GatherScaled(dy, samples, factors, branch);
        }
        else if (factors.Exists)
        {
            branch = scratch.Take([checked((int)factors.Count), checked((int)(dy.Count / factors.Count))]);
            Binary(BinaryOp.Multiply, dy.As(branch.Shape), factors, branch, Broadcast.Column);
        }

        View hidden = scratch.Take(preActivation.Shape, preActivation.DType);
        Unary(UnaryOp.Gelu, preActivation, hidden);
        WeightGradients(branch, hidden, rows, gradients.SecondWeight, gradients.SecondBias);
        View inner = hidden;
        MatMul(MatMulArguments.Single(branch.Address, mlp.SecondWeight.Address, inner.Address, rows, width, outputs) with { TypeB = mlp.SecondWeight.DType, TypeY = inner.DType });
        UnaryBackward(UnaryOp.Gelu, preActivation, preActivation, inner, new Destination(inner));
        WeightGradients(inner, x, rows, gradients.FirstWeight, gradients.FirstBias);
        if (dx.IsWanted)
            MatMul(MatMulArguments.Single(inner.Address, mlp.FirstWeight.Address, dx.View.Address, rows, inputs, width) with { TypeA = inner.DType, TypeB = mlp.FirstWeight.DType, TypeY = dx.View.DType, Beta = dx.Beta });
    }

    /// <summary>Gradients of the weight [N, K] and bias [N] of a linear layer, dyᵀ · x and the sum of the rows of dy.</summary>
    /// <param name="dy">N values for each row.</param>
    /// <param name="x">K values for each row.</param>
    private void WeightGradients(in View dy, in View x, int rows, in Destination dw, in Destination db)
    {
        int outputs = checked((int)(dy.Count / rows));
        if (dw.IsWanted)
            MatMul(MatMulArguments.Single(dy.Address, x.Address, dw.View.Address, outputs, x.Columns, rows, transposeA: true) with { TypeA = dy.DType, TypeB = x.DType, Beta = dw.Beta });
        if (db.IsWanted)
            Reduce(ReduceOp.Sum, dy.As([1, rows, outputs]), db with { View = db.View.As([1, outputs]) });
    }
}
