namespace Dino.Tensors.Backends;

/// <summary>The MLP as two linear layers, its hidden values in scratch.</summary>
public abstract partial class Backend
{
    public virtual partial void Mlp(in View x, in MlpViews mlp, in View preActivation, in View residual, in View samples, in View factors, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View hidden = Hold(scratch, x.Shape.With(-1, mlp.FirstWeight.Shape[0]), InnerType, samples.Exists ? y.Rows : x.Rows);
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
        long whole = samples.Exists ? dy.Rows : rows;
        View branch = dy;
        if (samples.Exists)
        {
            branch = Hold(scratch, x.Shape.With(-1, outputs), DType.F32, whole);
            GatherScaled(dy, samples, factors, branch);
        }
        else if (factors.Exists)
        {
            branch = scratch.Take([checked((int)factors.Count), checked((int)(dy.Count / factors.Count))]);
            Binary(BinaryOp.Multiply, dy.As(branch.Shape), factors, branch, Broadcast.Column);
        }

        branch = branch.As([rows, outputs]);
        View hidden = Hold(scratch, [rows, width], preActivation.DType, whole);
        if (gradients.SecondWeight.IsWanted)
            Unary(UnaryOp.Gelu, preActivation, hidden);
        LinearGradients(branch, hidden, gradients.SecondWeight, gradients.SecondBias);
        if (!dx.IsWanted && !gradients.FirstWeight.IsWanted && !gradients.FirstBias.IsWanted)
            return;
        View inner = hidden;
        MatMul(MatMulArguments.Single(branch.Address, mlp.SecondWeight.Address, inner.Address, rows, width, outputs) with { TypeB = mlp.SecondWeight.DType, TypeY = inner.DType });
        UnaryBackward(UnaryOp.Gelu, preActivation, preActivation, inner, new Destination(inner));
        LinearGradients(inner, x.As([rows, inputs]), gradients.FirstWeight, gradients.FirstBias);
        if (dx.IsWanted)
            MatMul(MatMulArguments.Single(inner.Address, mlp.FirstWeight.Address, dx.View.Address, rows, inputs, width) with { TypeA = inner.DType, TypeB = mlp.FirstWeight.DType, TypeY = dx.View.DType, Beta = dx.Beta });
    }

    /// <summary>Scratch for a shape, with room for so many rows: the number of samples changes from step to step, and addresses shall not.</summary>
    private static View Hold(in ScratchFrame scratch, Shape shape, DType type, long rows) =>
        scratch.Take([checked((int)rows), shape[-1]], type).Slice(0, shape);
}
