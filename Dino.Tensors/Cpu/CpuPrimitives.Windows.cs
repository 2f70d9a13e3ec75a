using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void Im2Col(in View x, in Window window, in View y)
    {
        Picture picture = new(x.Shape, window);
        Ranges.Run(Workers, (long)picture.Samples * window.OutputHeight, picture.OutputRowElements * window.KernelHeight * window.KernelWidth, new Im2ColRange(picture, x.F32, y.F32));
    }

    public override void Col2Im(in View dy, in Window window, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        Picture picture = new(dx.View.Shape, window);
        Ranges.Run(Workers, (long)picture.Samples * picture.Height, picture.RowElements, new Col2ImRange(picture, dy.F32, dx.View.F32, dx.Accumulate));
    }

    public override void Pool(PoolOp op, in View x, in Window window, in View y)
    {
        Picture picture = new(x.Shape, window);
        PoolRange pool = new(op, picture, x.F32, y.F32);
        Ranges.Run(Workers, (long)picture.Samples * window.OutputHeight, picture.OutputRowElements * window.KernelHeight * window.KernelWidth, pool);
    }

    public override void PoolBackward(PoolOp op, in View x, in View dy, in Window window, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        Picture picture = new(dx.View.Shape, window);
        // Windows overlap within a sample but never across samples or channels: those are the tasks.
        long tiles = (picture.Channels + Pooling<V>.ChannelTile - 1) / Pooling<V>.ChannelTile;
        PoolBackwardRange pool = new(op, picture, x.F32, dy.F32, dx.View.F32, dx.Accumulate, tiles);
        long weight = (long)picture.Height * picture.Width * Math.Min(picture.Channels, Pooling<V>.ChannelTile);
        Ranges.Run(Workers, picture.Samples * tiles, weight, pool);
    }

    private readonly struct Im2ColRange(Picture picture, float* x, float* y) : IRange
    {
        public void Run(long start, long end)
        {
            for (long row = start; row < end; row++)
                Windows<V>.Im2Col(picture, x, y, row);
        }
    }

    private readonly struct Col2ImRange(Picture picture, float* dy, float* dx, bool accumulate) : IRange
    {
        public void Run(long start, long end)
        {
            for (long row = start; row < end; row++)
                Windows<V>.Col2Im(picture, dy, dx, row, accumulate);
        }
    }

    private readonly struct PoolRange(PoolOp op, Picture picture, float* x, float* y) : IRange
    {
        public void Run(long start, long end)
        {
            for (long row = start; row < end; row++)
                Pooling<V>.Forward(op, picture, x, y, row);
        }
    }

    private readonly struct PoolBackwardRange(PoolOp op, Picture picture, float* x, float* dy, float* dx, bool accumulate, long tiles) : IRange
    {
        public void Run(long start, long end)
        {
            for (long item = start; item < end; item++)
            {
                (long sample, long tile) = Math.DivRem(item, tiles);
                int first = (int)(tile * Pooling<V>.ChannelTile);
                int last = Math.Min(picture.Channels, first + Pooling<V>.ChannelTile);
                Pooling<V>.Backward(op, picture, x, dy, dx, sample, first, last, accumulate);
            }
        }
    }
}
