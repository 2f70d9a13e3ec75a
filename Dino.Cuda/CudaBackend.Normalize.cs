using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private static readonly RowKernels NormalizeKernels = new("normalize", "normalize"), WeightNormKernels = new("normalize", "weight_norm");
    private static readonly RowKernels NormalizeGradients = new("normalize", "normalize_gradient"), WeightNormGradients = new("normalize", "weight_norm_gradient");

    public override void Normalize(in View x, float epsilon, in View y, in View norms)
    {
        RequireF32(nameof(Normalize), x.DType | y.DType);
        ScaledArguments arguments = new(x.Address, 0, y.Address, norms.Address, x.Rows, x.Columns, epsilon);
        LaunchRows(NormalizeKernels, arguments, x.Rows, x.Columns, x.Address | y.Address);
    }

    public override void NormalizeBackward(in View y, in View norms, float epsilon, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        RequireF32(nameof(NormalizeBackward), y.DType | dy.DType | dx.View.DType);
        nint gradient = dx.View.Address;
        ScaledGradientArguments arguments = new(y.Address, 0, norms.Address, dy.Address, gradient, 0, y.Rows, y.Columns, epsilon, dx.Accumulate ? 1 : 0, 0);
        LaunchRows(NormalizeGradients, arguments, y.Rows, y.Columns, y.Address | dy.Address | gradient);
    }

    public override void WeightNorm(in View v, in View g, in View w, in View norms)
    {
        RequireF32(nameof(WeightNorm), v.DType | g.DType | w.DType);
        ScaledArguments arguments = new(v.Address, g.Address, w.Address, norms.Address, v.Rows, v.Columns, 0);
        LaunchRows(WeightNormKernels, arguments, v.Rows, v.Columns, v.Address | w.Address);
    }

    public override void WeightNormBackward(in View v, in View g, in View norms, in View dw, in Destination dv, in Destination dg)
    {
        if (!dv.IsWanted && !dg.IsWanted)
            return;
        RequireF32(nameof(WeightNormBackward), v.DType | dw.DType | dv.View.DType);
        nint gradient = dv.View.Address;
        ScaledGradientArguments arguments = new(
            v.Address, g.Address, norms.Address, dw.Address, gradient, dg.View.Address, v.Rows, v.Columns, 0, dv.Accumulate ? 1 : 0, dg.Accumulate ? 1 : 0);
        LaunchRows(WeightNormGradients, arguments, v.Rows, v.Columns, v.Address | dw.Address | gradient);
    }

    private readonly record struct ScaledArguments(nint X, nint G, nint Y, nint Norms, long Rows, int Columns, float Epsilon);

    private readonly record struct ScaledGradientArguments(
        nint X, nint G, nint Norms, nint Dy, nint Dx, nint Dg, long Rows, int Columns, float Epsilon, int AccumulateX, int AccumulateG);
}
