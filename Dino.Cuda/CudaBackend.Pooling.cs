using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct PoolArguments(
        nint X, nint Y, nint Dy, nint Dx, int Count, Divisor Channels, Divisor Width, Divisor Height, int PictureHeight, int PictureWidth, Window Window, int Op, int Accumulate);

    public override void Pool(PoolOp op, in View x, in Window window, in View y)
    {
        RequireF32(nameof(Pool), x.DType | y.DType);
        if (y.Count == 0)
            return;
        Picture picture = new(x.Shape, window);
        PoolArguments arguments = Arguments(op, picture, x.Address, window.OutputWidth, window.OutputHeight) with { Y = y.Address };
        LaunchBySample("pool", picture, window.OutputHeight * picture.OutputRowElements, arguments);
    }

    public override void PoolBackward(PoolOp op, in View x, in View dy, in Window window, in Destination dx)
    {
        RequireF32(nameof(PoolBackward), x.DType | dy.DType | dx.View.DType);
        if (!dx.IsWanted || dx.View.Count == 0)
            return;
        Picture picture = new(dx.View.Shape, window);
        PoolArguments arguments = Arguments(op, picture, x.Address, picture.Width, picture.Height) with { Dy = dy.Address, Dx = dx.View.Address, Accumulate = dx.Accumulate ? 1 : 0 };
        LaunchBySample("pool_backward", picture, picture.Height * picture.RowElements, arguments);
    }

    private static PoolArguments Arguments(PoolOp op, in Picture picture, nint x, int width, int height) => new(
        x, 0, 0, 0, 0, new Divisor(picture.Channels), new Divisor(width), new Divisor(height), picture.Height, picture.Width, picture.Window, (int)op, 0);

    /// <param name="walked">Elements of a sample that threads walk over.</param>
    private void LaunchBySample(string kernel, in Picture picture, long walked, in PoolArguments all)
    {
        nint input = (nint)(picture.Height * picture.RowElements * sizeof(float));
        nint output = (nint)(picture.Window.OutputHeight * picture.OutputRowElements * sizeof(float));
        foreach ((int first, int count) in new SampleRuns(picture.Samples, walked, MostCounted))
        {
            PoolArguments arguments = all with
            {
                X = all.X + (first * input), Y = all.Y + (first * output), Dy = all.Dy + (first * output), Dx = all.Dx + (first * input), Count = checked((int)(count * walked)),
            };
            LaunchOver(_kernels["pooling", kernel], arguments, arguments.Count);
        }
    }
}
