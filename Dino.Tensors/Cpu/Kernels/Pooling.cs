using System.Runtime.CompilerServices;
using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

/// <summary>Pooling of pictures [N, H, W, C]; lanes are channels, so every lane walks the window in the same order.</summary>
/// <remarks>A window without any pixel gives -inf (Max) or 0 (Average) and sends no gradient.</remarks>
internal static unsafe class Pooling<V> where V : struct, IVec<V>
{
    /// <summary>Channels of one task of the backward pass: four cache lines.</summary>
    public const int ChannelTile = 64;

    /// <summary>One row of output pixels; <paramref name="row"/> = sample · OH + output row.</summary>
    public static void Forward(PoolOp op, in Picture picture, float* x, float* y, long row)
    {
        (long sample, long outputY) = Math.DivRem(row, picture.Window.OutputHeight);
        float* pixels = x + (sample * picture.Height * picture.RowElements);
        float* target = y + (row * picture.OutputRowElements);
        for (int outputX = 0; outputX < picture.Window.OutputWidth; outputX++, target += picture.Channels)
        {
            float scale = op == PoolOp.Max ? 1f : 1f / Divisor(op, picture, (int)outputY, outputX);
            for (int c = 0; c < picture.Channels; c += V.Count)
            {
                int lanes = Math.Min(V.Count, picture.Channels - c);
                V pooled = op == PoolOp.Max
                    ? Fold<ReduceOperators<V>.Max>(picture, pixels + c, lanes, (int)outputY, outputX)
                    : Fold<ReduceOperators<V>.Sum>(picture, pixels + c, lanes, (int)outputY, outputX) * V.Create(scale);
                Store(pooled, target + c, lanes);
            }
        }
    }

    /// <summary>The gradient of one sample in channels [first, last).</summary>
    public static void Backward(PoolOp op, in Picture picture, float* x, float* dy, float* dx, long sample, int first, int last, bool accumulate)
    {
        float* gradient = dx + (sample * picture.Height * picture.RowElements);
        float* pixels = x + (sample * picture.Height * picture.RowElements);
        if (!accumulate)
        {
            for (long pixel = 0; pixel < (long)picture.Height * picture.Width; pixel++)
                new Span<float>(gradient + (pixel * picture.Channels) + first, last - first).Clear();
        }

        float* source = dy + (sample * picture.Window.OutputHeight * picture.OutputRowElements);
        for (int outputY = 0; outputY < picture.Window.OutputHeight; outputY++)
        {
            for (int outputX = 0; outputX < picture.Window.OutputWidth; outputX++, source += picture.Channels)
            {
                float scale = op == PoolOp.Max ? 1f : 1f / Divisor(op, picture, outputY, outputX);
                for (int c = first; c < last; c += V.Count)
                {
                    int lanes = Math.Min(V.Count, last - c);
                    V share = Load(source + c, lanes) * V.Create(scale);
                    V winner = V.Zero;
                    if (op == PoolOp.Max)
                        winner = Winner(picture, pixels + c, lanes, outputY, outputX);
                    Spread(op, picture, gradient + c, lanes, outputY, outputX, share, winner);
                }
            }
        }
    }

    /// <summary>Number of elements a mean divides by; at least 1.</summary>
    private static int Divisor(PoolOp op, in Picture picture, int outputY, int outputX)
    {
        if (op == PoolOp.AverageWithPadding)
            return picture.Window.KernelHeight * picture.Window.KernelWidth;
        int rows = 0, columns = 0;
        for (int k = 0; k < picture.Window.KernelHeight; k++)
            rows += picture.HasRow(picture.Y(outputY, k)) ? 1 : 0;
        for (int k = 0; k < picture.Window.KernelWidth; k++)
            columns += picture.HasColumn(picture.X(outputX, k)) ? 1 : 0;
        return Math.Max(1, rows * columns);
    }

    /// <summary>The window's elements joined, row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static V Fold<TOperator>(in Picture picture, float* pixels, int lanes, int outputY, int outputX)
        where TOperator : struct, IReduceOperator<V>
    {
        V folded = V.Create(TOperator.Identity);
        for (int kernelY = 0; kernelY < picture.Window.KernelHeight; kernelY++)
        {
            int pictureY = picture.Y(outputY, kernelY);
            if (!picture.HasRow(pictureY))
                continue;
            float* row = pixels + (pictureY * picture.RowElements);
            for (int kernelX = 0; kernelX < picture.Window.KernelWidth; kernelX++)
            {
                int pictureX = picture.X(outputX, kernelX);
                if (picture.HasColumn(pictureX))
                    folded = TOperator.Accumulate(folded, Load(row + ((long)pictureX * picture.Channels), lanes));
            }
        }

        return folded;
    }

    /// <summary>The number in the kernel, row by row, of the first largest element of the window; the first NaN beats all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static V Winner(in Picture picture, float* pixels, int lanes, int outputY, int outputX)
    {
        V one = V.Create(1f), best = V.Create(float.NegativeInfinity);
        // No element yet: even -inf, which is not above the start, must win over this.
        V winner = V.Create(-1f);
        for (int kernelY = 0; kernelY < picture.Window.KernelHeight; kernelY++)
        {
            int pictureY = picture.Y(outputY, kernelY);
            for (int kernelX = 0; kernelX < picture.Window.KernelWidth; kernelX++)
            {
                int pictureX = picture.X(outputX, kernelX);
                if (!picture.HasRow(pictureY) || !picture.HasColumn(pictureX))
                    continue;
                V x = Load(pixels + (pictureY * picture.RowElements) + ((long)pictureX * picture.Channels), lanes);
                // A lane takes x when it is above, is its first element, or is NaN where the best is not.
                V isNaN = V.Select(V.Equal(x, x), V.Zero, one);
                V takes = V.Select(V.LessThan(best, x), one, V.Select(V.LessThan(winner, V.Zero), one, isNaN));
                V mask = V.LessThan(V.Zero, V.Select(V.Equal(best, best), takes, V.Zero));
                best = V.Select(mask, x, best);
                winner = V.Select(mask, V.Create((kernelY * picture.Window.KernelWidth) + kernelX), winner);
            }
        }

        return winner;
    }

    /// <summary>Adds a window's gradient to its winner (Max) or to all its pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread(PoolOp op, in Picture picture, float* gradient, int lanes, int outputY, int outputX, V share, V winner)
    {
        for (int kernelY = 0; kernelY < picture.Window.KernelHeight; kernelY++)
        {
            int pictureY = picture.Y(outputY, kernelY);
            for (int kernelX = 0; kernelX < picture.Window.KernelWidth; kernelX++)
            {
                int pictureX = picture.X(outputX, kernelX);
                if (!picture.HasRow(pictureY) || !picture.HasColumn(pictureX))
                    continue;
                float* target = gradient + (pictureY * picture.RowElements) + ((long)pictureX * picture.Channels);
                V number = V.Create((kernelY * picture.Window.KernelWidth) + kernelX);
                V added = op == PoolOp.Max ? V.Select(V.Equal(winner, number), share, V.Zero) : share;
                Store(Load(target, lanes) + added, target, lanes);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load(float* source, int lanes) => lanes == V.Count ? V.Load(source) : V.LoadPartial(source, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V value, float* target, int lanes)
    {
        if (lanes == V.Count)
            V.Store(value, target);
        else
            V.StorePartial(value, target, lanes);
    }
}
