using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    /// <summary>Threads of the blocks that add up what tiles have left.</summary>
    private const int FoldThreads = 1024;

    private static readonly RowKernels LayerNormKernels = new("layer_norm", "layer_norm", isHeld: true);
    private static readonly RowKernels LayerNormGradients = new("layer_norm", "layer_norm_gradient", isHeld: true);

    /// <summary>With y, or dy, in BF16.</summary>
    private static readonly RowKernels InnerLayerNormKernels = new("layer_norm_inner", "layer_norm_inner", isHeld: true);
    private static readonly RowKernels InnerLayerNormGradients = new("layer_norm_inner", "layer_norm_inner_gradient", isHeld: true);

    public override void LayerNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd)
    {
        RequireInner(nameof(LayerNorm), y.DType);
        RequireF32(nameof(LayerNorm), x.DType | gamma.DType | beta.DType | mean.DType | rstd.DType);
        LayerNormArguments arguments = new(
            x.Address, gamma.Address, beta.Address, y.Address, mean.Address, rstd.Address, x.Rows, x.Columns, epsilon, 1f / x.Columns);
        LaunchRows(y.DType == DType.F32 ? LayerNormKernels : InnerLayerNormKernels, arguments, x.Rows, x.Columns, x.Address | Spread(y) | gamma.Address | beta.Address);
    }

    public override void LayerNormBackward(in View x, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta)
    {
        RequireInner(nameof(LayerNormBackward), dy.DType);
        RequireF32(nameof(LayerNormBackward), x.DType | gamma.DType | mean.DType | rstd.DType | dx.View.DType | dgamma.View.DType | dbeta.View.DType);
        bool isInner = dy.DType != DType.F32;
        bool wantsParameters = dgamma.IsWanted || dbeta.IsWanted;
        nint gradient = dx.View.Address, addresses = x.Address | Spread(dy) | gamma.Address | gradient;
        LayerNormGradientArguments arguments = new(
            x.Address, gamma.Address, mean.Address, rstd.Address, dy.Address, gradient, 0, x.Rows, x.Columns, dx.Accumulate ? 1 : 0, 1f / x.Columns, 0);
        using ScratchFrame scratch = OpenScratch();
        if (wantsParameters && dx.IsWanted && x.Columns <= WarpColumns && IsWide(x.Columns, addresses))
        {
            // One sweep for all three. 256 blocks run at the same time on a large device, and leave few partial sums.
            const int MostBlocks = 256, MostWarpRows = 128;
            int warpRows = (int)Math.Clamp((x.Rows + (MostBlocks * BlockWarps) - 1) / (MostBlocks * BlockWarps), 1, MostWarpRows);
            int blocks = checked((int)((x.Rows + (BlockWarps * warpRows) - 1) / (BlockWarps * warpRows)));
            nint partials = scratch.Take([blocks, 2, x.Columns]).Address;
            if (blocks > 0)
                Launch(_kernels[isInner ? "layer_norm_inner" : "layer_norm", GradientsKernel(x.Columns, isInner)], arguments with { Partials = partials, WarpRows = warpRows }, blocks);
            FoldSums(partials, blocks, x.Columns, 0, dgamma, dbeta);
            return;
        }

        if (dx.IsWanted)
            LaunchRows(isInner ? InnerLayerNormGradients : LayerNormGradients, arguments, x.Rows, x.Columns, addresses);
        if (wantsParameters)
            ColumnSums(isInner ? "layer_norm_inner_sums_narrow" : "layer_norm_sums_narrow", isInner ? "layer_norm_inner_sums_wide" : "layer_norm_sums_wide", x, dy, mean, rstd, 0, scratch, 0, dgamma, dbeta);
    }

    private static string GradientsKernel(int columns, bool isInner) => (columns <= 512, isInner) switch
    {
        (true, false) => "layer_norm_gradients_512",
        (true, true) => "layer_norm_inner_gradients_512",
        (false, false) => "layer_norm_gradients_1024",
        (false, true) => "layer_norm_inner_gradients_1024",
    };

    /// <summary>dgamma = Σ dy u and dbeta = Σ dy over rows; both also into total [2, C] where that exists.</summary>
    private void ColumnSums(string narrow, string wide, in View x, in View dy, in View mean, in View spread, float epsilon, in ScratchFrame scratch, nint total, in Destination dgamma, in Destination dbeta)
    {
        const int FewestRowsEach = 8, MostRowsEach = 64;
        bool isWide = IsWide(x.Columns, x.Address | Spread(dy) | mean.Address | spread.Address);
        Tiling tiling = Tiling.Of(x.Rows, x.Columns, isWide, 1);
        // As few partial sums as leave 512 blocks at work.
        tiling = tiling with { TileRows = tiling.TileRows * (int)Math.Clamp(tiling.Tiles / 512, FewestRowsEach, MostRowsEach) };
        nint partials = scratch.Take([tiling.Tiles, 2, x.Columns]).Address;
        if (tiling.Blocks > 0)
            Launch(_kernels["column_sums", isWide ? wide : narrow], new SumsArguments(x.Address, dy.Address, mean.Address, spread.Address, partials, tiling, epsilon), tiling.Blocks);
        FoldSums(partials, tiling.Tiles, x.Columns, total, dgamma, dbeta);
    }

    private void FoldSums(nint partials, int tiles, int columns, nint total, in Destination dgamma, in Destination dbeta)
    {
        if (columns == 0)
            return;
        Tiling tiling = Tiling.Whole(tiles, 2 * columns, FoldThreads);
        FoldArguments arguments = new(partials, total, dgamma.View.Address, dbeta.View.Address, tiling, dgamma.Accumulate ? 1 : 0, dbeta.Accumulate ? 1 : 0);
        // Sums over no rows are zeros, which somebody has to write.
        Launch(_kernels["column_sums", "fold_sums"], arguments, tiling.ColumnTiles, FoldThreads);
    }

    private readonly record struct LayerNormArguments(nint X, nint Gamma, nint Beta, nint Y, nint Mean, nint Rstd, long Rows, int Columns, float Epsilon, float Share, int Padding = 0);

    private readonly record struct LayerNormGradientArguments(
        nint X, nint Gamma, nint Mean, nint Rstd, nint Dy, nint Dx, nint Partials, long Rows, int Columns, int Accumulate, float Share, int WarpRows);

    private readonly record struct SumsArguments(nint X, nint Dy, nint Mean, nint Spread, nint Partials, Tiling Tiling, float Epsilon, int Padding = 0);

    private readonly record struct FoldArguments(nint Partials, nint Total, nint Dgamma, nint Dbeta, Tiling Tiling, int AccumulateGamma, int AccumulateBeta);
}
