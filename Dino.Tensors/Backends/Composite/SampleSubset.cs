namespace Dino.Tensors.Backends;

/// <summary>Layers of some samples of a batch: gathered, computed and scattered.</summary>
public abstract partial class Backend
{
    public virtual partial void SampleLayerNorm(in View x, in View samples, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd)
    {
        using ScratchFrame scratch = OpenScratch();
        View gathered = scratch.Take(y.Shape);
        GatherRows(x, samples, gathered);
        LayerNorm(gathered, gamma, beta, epsilon, y, mean, rstd);
    }

    public virtual partial void SampleLayerNormBackward(in View x, in View samples, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        using ScratchFrame scratch = OpenScratch();
        View gathered = scratch.Take(dy.Shape);
        GatherRows(x, samples, gathered);
        Destination gradient = dx.IsWanted ? new(scratch.Take(dy.Shape)) : Destination.None;
        LayerNormBackward(gathered, gamma, mean, rstd, dy, gradient, dgamma, dbeta);
        if (!dx.IsWanted)
            return;
        if (!dx.Accumulate)
            Fill(dx.View, 0);
        ScatterAddRows(gradient.View, samples, dx.View);
    }

    public virtual partial void SampleLinear(in View x, in View samples, in View weight, in View bias, in View residual, in View factors, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View branch = scratch.Take(x.Shape.With(-1, y.Columns));
        Linear(x, weight, bias, Activation.Identity, View.None, branch, View.None, factors);
        Copy(residual, y);
        ScatterAddRows(branch, samples, y);
    }

    public virtual partial void GatherScaled(in View x, in View samples, in View factors, in View y)
    {
        GatherRows(x, samples, y);
        View rows = y.As([checked((int)samples.Count), checked((int)(y.Count / samples.Count))]);
        Binary(BinaryOp.Multiply, rows, factors, rows, Broadcast.Column);
    }
}
