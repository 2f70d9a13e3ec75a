using Dino.Tensors;
using Dino.Tensors.Backends;

namespace Dino.Cuda;

internal sealed unsafe partial class CudaBackend
{
    private readonly record struct UnaryArguments(nint X, nint Y, long Count, long Quads, float A, float B);

    /// <summary>BF16 elements that a thread loads at once.</summary>
    private const int OctetElements = 8;

    private readonly record struct UnaryBackwardArguments(nint X, nint Y, nint Dy, nint Dx, long Count, long Quads, float A, float B, int Accumulate, int Padding = 0);

    public override void Unary(UnaryOp op, in View x, in View y, float a, float b)
    {
        if (x.DType != DType.F32)
        {
            RequireAlike(nameof(Unary), x.DType, y);
            UnaryArguments arguments = new(x.Address, y.Address, x.Count, Octets(x.Count, x.Address | y.Address), a, b);
            LaunchOver(_kernels["unary_inner", InnerKernels(op).Forward], arguments, x.Count, OctetElements);
        }
        else if (op == UnaryOp.Power && a == 0f)
            Fill(y, 1f);
        else
            Map(UnaryKernels(op, a).Forward, x, y, a, b);
    }

    public override void UnaryBackward(UnaryOp op, in View x, in View y, in View dy, in Destination dx, float a, float b)
    {
        if (!dx.IsWanted)
            return;
        if (dy.DType != DType.F32)
        {
            RequireAlike(nameof(UnaryBackward), dy.DType, x, y, dx.View);
            long octets = Octets(dy.Count, x.Address | y.Address | dy.Address | dx.View.Address);
            UnaryBackwardArguments inner = new(x.Address, y.Address, dy.Address, dx.View.Address, dy.Count, octets, a, b, dx.Accumulate ? 1 : 0);
            LaunchOver(_kernels["unary_inner", InnerKernels(op).Backward], inner, dy.Count, OctetElements);
            return;
        }

        RequireF32(nameof(UnaryBackward), x.DType | y.DType | dx.View.DType);
        if (op is UnaryOp.Sign or UnaryOp.Round or UnaryOp.Floor or UnaryOp.IsNaN || (op == UnaryOp.Power && a == 0f))
        {
            if (!dx.Accumulate)
                Fill(dx.View, 0f);
            return;
        }

        // An operand that the gradient does not read may be absent: address 0 is aligned.
        long quads = Quads(dy.Count, x.Address | y.Address | dy.Address | dx.View.Address);
        UnaryBackwardArguments arguments = new(x.Address, y.Address, dy.Address, dx.View.Address, dy.Count, quads, a, b, dx.Accumulate ? 1 : 0);
        LaunchOver(_kernels["unary", UnaryKernels(op, a).Backward], arguments, dy.Count, QuadElements);
    }

    private void Map(string kernel, in View x, in View y, float a, float b)
    {
        RequireF32(nameof(Unary), x.DType | y.DType);
        UnaryArguments arguments = new(x.Address, y.Address, x.Count, Quads(x.Count, x.Address | y.Address), a, b);
        LaunchOver(_kernels["unary", kernel], arguments, x.Count, QuadElements);
    }

    private static long Octets(long count, nint addresses) => addresses % 16 == 0 ? count / OctetElements : 0;

    private static (string Forward, string Backward) InnerKernels(UnaryOp op) => op switch
    {
        UnaryOp.Gelu => ("unary_gelu_inner", "unary_gelu_inner_backward"),
        UnaryOp.Relu => ("unary_relu_inner", "unary_relu_inner_backward"),
        _ => throw new NotSupportedException($"{op} takes F32 only on a CUDA device. Cast its operand first."),
    };

    private static (string Forward, string Backward) UnaryKernels(UnaryOp op, float exponent) => (op, exponent) switch
    {
        (UnaryOp.Affine, _) => ("unary_affine", "unary_affine_backward"),
        (UnaryOp.Abs, _) => ("unary_abs", "unary_abs_backward"),
        (UnaryOp.Exp, _) => ("unary_exp", "unary_exp_backward"),
        (UnaryOp.Log, _) => ("unary_log", "unary_log_backward"),
        (UnaryOp.Sqrt, _) => ("unary_sqrt", "unary_sqrt_backward"),
        (UnaryOp.Rsqrt, _) => ("unary_rsqrt", "unary_rsqrt_backward"),
        (UnaryOp.Reciprocal, _) => ("unary_reciprocal", "unary_reciprocal_backward"),
        (UnaryOp.Square, _) => ("unary_square", "unary_square_backward"),
        // Exponents that torch computes by multiplication or square root, then the general case.
        (UnaryOp.Power, 1f) => ("unary_scale", "unary_scale_backward"),
        (UnaryOp.Power, 2f) => ("unary_square", "unary_square_backward"),
        (UnaryOp.Power, 3f) => ("unary_cube", "unary_cube_backward"),
        (UnaryOp.Power, 0.5f) => ("unary_sqrt", "unary_sqrt_backward"),
        (UnaryOp.Power, -0.5f) => ("unary_rsqrt", "unary_rsqrt_backward"),
        (UnaryOp.Power, -1f) => ("unary_reciprocal", "unary_reciprocal_backward"),
        (UnaryOp.Power, _) => ("unary_power", "unary_power_backward"),
        (UnaryOp.Tanh, _) => ("unary_tanh", "unary_tanh_backward"),
        (UnaryOp.Sigmoid, _) => ("unary_sigmoid", "unary_sigmoid_backward"),
        (UnaryOp.Silu, _) => ("unary_silu", "unary_silu_backward"),
        (UnaryOp.Softplus, _) => ("unary_softplus", "unary_softplus_backward"),
        (UnaryOp.Relu, _) => ("unary_relu", "unary_relu_backward"),
        (UnaryOp.Erf, _) => ("unary_erf", "unary_erf_backward"),
        (UnaryOp.Gelu, _) => ("unary_gelu", "unary_gelu_backward"),
        (UnaryOp.GeluTanh, _) => ("unary_gelu_tanh", "unary_gelu_tanh_backward"),
        (UnaryOp.Clamp, _) => ("unary_clamp", "unary_clamp_backward"),
        (UnaryOp.Sign, _) => ("unary_sign", ""),
        (UnaryOp.Round, _) => ("unary_round", ""),
        (UnaryOp.Floor, _) => ("unary_floor", ""),
        (UnaryOp.IsNaN, _) => ("unary_is_nan", ""),
        _ => throw new ArgumentOutOfRangeException(nameof(op), op, "Not a unary operation."),
    };
}
