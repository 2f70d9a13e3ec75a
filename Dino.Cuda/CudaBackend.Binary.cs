using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct BinaryArguments(nint A, nint B, nint Y, long Count, long Columns, long Quads, int ByRow, int Padding = 0);

    private readonly record struct AxpbyArguments(nint X, nint Y, long Count, long Quads, float Alpha, float Beta);

    public override void Binary(BinaryOp op, in View a, in View b, in View y, Broadcast broadcast)
    {
        RequireF32(nameof(Binary), a.DType | b.DType | y.DType);
        if (a.Count == 0)
            return;
        // Operands of the same shape are one row of columns, and one element is one of rows.
        bool byRow = broadcast is Broadcast.Column or Broadcast.Scalar;
        long columns = broadcast switch
        {
            Broadcast.Row => b.Count,
            Broadcast.Column => a.Count / b.Count,
            _ => a.Count,
        };
        bool mayCutInQuads = columns % QuadElements == 0 || columns == a.Count;
        long quads = mayCutInQuads ? Quads(a.Count, a.Address | y.Address | (byRow ? 0 : b.Address)) : 0;
        BinaryArguments arguments = new(a.Address, b.Address, y.Address, a.Count, columns, quads, byRow ? 1 : 0);
        LaunchOver(_kernels["binary", BinaryKernel(op)], arguments, a.Count, QuadElements);
    }

    public override void Axpby(float alpha, in View x, float beta, in View y)
    {
        RequireF32(nameof(Axpby), x.DType | y.DType);
        if (beta == 0f)
        {
            Map("unary_scale", x, y, alpha, 0f);
            return;
        }

        AxpbyArguments arguments = new(x.Address, y.Address, x.Count, Quads(x.Count, x.Address | y.Address), alpha, beta);
        LaunchOver(_kernels["binary", "axpby"], arguments, x.Count, QuadElements);
    }

    private static string BinaryKernel(BinaryOp op) => op switch
    {
        BinaryOp.Add => "binary_add",
        BinaryOp.Subtract => "binary_subtract",
        BinaryOp.Multiply => "binary_multiply",
        BinaryOp.Divide => "binary_divide",
        BinaryOp.Maximum => "binary_maximum",
        BinaryOp.Minimum => "binary_minimum",
        BinaryOp.Equal => "binary_equal",
        BinaryOp.Less => "binary_less",
        BinaryOp.Mask => "binary_mask",
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "Not a binary operation."),
    };
}
