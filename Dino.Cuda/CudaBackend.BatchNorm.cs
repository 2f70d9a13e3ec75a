using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Rows that a thread of a batch norm has; the kernel that finds the moments holds as many.</summary>
    private const int BatchNormRowsEach = 8;

    public override void BatchNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View variance)
    {
        RequireF32(nameof(BatchNorm), x.DType | y.DType);
        if (x.Count == 0)
            return;
        bool isWide = IsWide(x.Columns, x.Address | y.Address | gamma.Address | beta.Address | mean.Address | variance.Address);
        Tiling tiling = Tiling.Of(x.Rows, x.Columns, isWide, BatchNormRowsEach);
        using ScratchFrame scratch = OpenScratch();
        nint partials = scratch.Take([tiling.Tiles, 2, x.Columns]).Address;
        Launch(_kernels["batch_norm", isWide ? "batch_norm_moments_wide" : "batch_norm_moments_narrow"], new MomentsArguments(x.Address, partials, tiling), tiling.Blocks);

        Tiling tiles = Tiling.Whole(tiling.Tiles, x.Columns, FoldThreads);
        MergeArguments merge = new(partials, mean.Address, variance.Address, tiles, x.Rows, tiling.TileRows, (float)(1.0 / x.Rows));
        Launch(_kernels["batch_norm", "batch_norm_merge"], merge, tiles.ColumnTiles, FoldThreads);

        BatchNormArguments apply = new(x.Address, gamma.Address, beta.Address, mean.Address, variance.Address, y.Address, tiling, epsilon);
        Launch(_kernels["batch_norm", isWide ? "batch_norm_wide" : "batch_norm_narrow"], apply, tiling.Blocks);
    }

    public override void BatchNormBackward(in View x, in View gamma, in View mean, in View variance, float epsilon, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        if (!dx.IsWanted && !dgamma.IsWanted && !dbeta.IsWanted)
            return;
        RequireF32(nameof(BatchNormBackward), x.DType | dy.DType | dx.View.DType);
        using ScratchFrame scratch = OpenScratch();
        nint total = scratch.Take([2, x.Columns]).Address, gradient = dx.View.Address;
        ColumnSums("batch_norm_sums_narrow", "batch_norm_sums_wide", x, dy, mean, variance, epsilon, scratch, total, dgamma, dbeta);
        if (!dx.IsWanted || x.Count == 0)
            return;
        bool isWide = IsWide(x.Columns, x.Address | dy.Address | gradient | gamma.Address | mean.Address | variance.Address);
        Tiling tiling = Tiling.Of(x.Rows, x.Columns, isWide, BatchNormRowsEach);
        BatchNormGradientArguments arguments = new(
            x.Address, gamma.Address, mean.Address, variance.Address, dy.Address, total, gradient, tiling, epsilon, (float)(1.0 / x.Rows), dx.Accumulate ? 1 : 0);
        Launch(_kernels["batch_norm", isWide ? "batch_norm_gradient_wide" : "batch_norm_gradient_narrow"], arguments, tiling.Blocks);
    }

    private readonly record struct MomentsArguments(nint X, nint Partials, Tiling Tiling);

    private readonly record struct MergeArguments(nint Partials, nint Mean, nint Variance, Tiling Tiling, long Rows, int TileRows, float Share);

    private readonly record struct BatchNormArguments(nint X, nint Gamma, nint Beta, nint Mean, nint Variance, nint Y, Tiling Tiling, float Epsilon, int Padding = 0);

    private readonly record struct BatchNormGradientArguments(
        nint X, nint Gamma, nint Mean, nint Variance, nint Dy, nint Total, nint Dx, Tiling Tiling, float Epsilon, float Share, int Accumulate, int Padding = 0);
}
