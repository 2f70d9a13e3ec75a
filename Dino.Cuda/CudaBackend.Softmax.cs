using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private static readonly RowKernels SoftmaxKernels = new("softmax", "softmax"), LogSoftmaxKernels = new("softmax", "log_softmax");
    private static readonly RowKernels SoftmaxGradients = new("softmax", "softmax_gradient"), LogSoftmaxGradients = new("softmax", "log_softmax_gradient");

    public override void Softmax(in View x, in View y) => Softmax(SoftmaxKernels, x, y);

    public override void LogSoftmax(in View x, in View y) => Softmax(LogSoftmaxKernels, x, y);

    public override void SoftmaxBackward(in View y, in View dy, in Destination dx) => SoftmaxBackward(SoftmaxGradients, y, dy, dx);

    public override void LogSoftmaxBackward(in View y, in View dy, in Destination dx) => SoftmaxBackward(LogSoftmaxGradients, y, dy, dx);

    private void Softmax(RowKernels kernels, in View x, in View y)
    {
        RequireF32(nameof(Softmax), x.DType | y.DType);
        LaunchRows(kernels, new SoftmaxArguments(x.Address, y.Address, x.Rows, x.Columns), x.Rows, x.Columns, x.Address | y.Address);
    }

    private void SoftmaxBackward(RowKernels kernels, in View y, in View dy, in Destination dx)
    {
        if (!dx.IsWanted)
            return;
        RequireF32(nameof(SoftmaxBackward), y.DType | dy.DType | dx.View.DType);
        nint gradient = dx.View.Address;
        SoftmaxGradientArguments arguments = new(y.Address, dy.Address, gradient, y.Rows, y.Columns, dx.Accumulate ? 1 : 0);
        LaunchRows(kernels, arguments, y.Rows, y.Columns, y.Address | dy.Address | gradient);
    }

    private readonly record struct SoftmaxArguments(nint X, nint Y, long Rows, int Columns, int Padding = 0);

    private readonly record struct SoftmaxGradientArguments(nint Y, nint Dy, nint Dx, long Rows, int Columns, int Accumulate);
}
