using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void Unary(UnaryOp op, in View x, in View y, float a = 0, float b = 0)
    {
        switch (op)
        {
            case UnaryOp.Affine: Map<UnaryOperators<V>.Affine>(x, y, a, b); break;
            case UnaryOp.Abs: Map<UnaryOperators<V>.Abs>(x, y, a, b); break;
            case UnaryOp.Exp: Map<UnaryOperators<V>.Exp>(x, y, a, b); break;
            case UnaryOp.Log: Map<UnaryOperators<V>.Log>(x, y, a, b); break;
            case UnaryOp.Sqrt: Map<UnaryOperators<V>.Sqrt>(x, y, a, b); break;
            case UnaryOp.Rsqrt: Map<UnaryOperators<V>.Rsqrt>(x, y, a, b); break;
            case UnaryOp.Reciprocal: Map<UnaryOperators<V>.Reciprocal>(x, y, a, b); break;
            case UnaryOp.Square: Map<UnaryOperators<V>.Square>(x, y, a, b); break;
            case UnaryOp.Power: Power(x, y, a); break;
            case UnaryOp.Tanh: Map<UnaryOperators<V>.Tanh>(x, y, a, b); break;
            case UnaryOp.Sigmoid: Map<UnaryOperators<V>.Sigmoid>(x, y, a, b); break;
            case UnaryOp.Silu: Map<UnaryOperators<V>.Silu>(x, y, a, b); break;
            case UnaryOp.Softplus: Map<UnaryOperators<V>.Softplus>(x, y, a, b); break;
            case UnaryOp.Relu: Map<UnaryOperators<V>.Relu>(x, y, a, b); break;
            case UnaryOp.Erf: Map<UnaryOperators<V>.Erf>(x, y, a, b); break;
            case UnaryOp.Gelu: Map<UnaryOperators<V>.Gelu>(x, y, a, b); break;
            case UnaryOp.GeluTanh: Map<UnaryOperators<V>.GeluTanh>(x, y, a, b); break;
            case UnaryOp.Clamp: Map<UnaryOperators<V>.Clamp>(x, y, a, b); break;
            case UnaryOp.Sign: Map<UnaryOperators<V>.Sign>(x, y, a, b); break;
            case UnaryOp.Round: Map<UnaryOperators<V>.Round>(x, y, a, b); break;
            case UnaryOp.Floor: Map<UnaryOperators<V>.Floor>(x, y, a, b); break;
            case UnaryOp.IsNaN: Map<UnaryOperators<V>.IsNaN>(x, y, a, b); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "Not a unary operation.");
        }
    }

    public override void UnaryBackward(UnaryOp op, in View x, in View y, in View dy, in Destination dx, float a = 0, float b = 0)
    {
        if (!dx.IsWanted)
            return;
        switch (op)
        {
            case UnaryOp.Affine: Pull<UnaryOperators<V>.Affine>(x, y, dy, dx, a, b); break;
            case UnaryOp.Abs: Pull<UnaryOperators<V>.Abs>(x, y, dy, dx, a, b); break;
            case UnaryOp.Exp: Pull<UnaryOperators<V>.Exp>(x, y, dy, dx, a, b); break;
            case UnaryOp.Log: Pull<UnaryOperators<V>.Log>(x, y, dy, dx, a, b); break;
            case UnaryOp.Sqrt: Pull<UnaryOperators<V>.Sqrt>(x, y, dy, dx, a, b); break;
            case UnaryOp.Rsqrt: Pull<UnaryOperators<V>.Rsqrt>(x, y, dy, dx, a, b); break;
            case UnaryOp.Reciprocal: Pull<UnaryOperators<V>.Reciprocal>(x, y, dy, dx, a, b); break;
            case UnaryOp.Square: Pull<UnaryOperators<V>.Square>(x, y, dy, dx, a, b); break;
            case UnaryOp.Power: PowerBackward(x, y, dy, dx, a); break;
            case UnaryOp.Tanh: Pull<UnaryOperators<V>.Tanh>(x, y, dy, dx, a, b); break;
            case UnaryOp.Sigmoid: Pull<UnaryOperators<V>.Sigmoid>(x, y, dy, dx, a, b); break;
            case UnaryOp.Silu: Pull<UnaryOperators<V>.Silu>(x, y, dy, dx, a, b); break;
            case UnaryOp.Softplus: Pull<UnaryOperators<V>.Softplus>(x, y, dy, dx, a, b); break;
            case UnaryOp.Relu: Pull<UnaryOperators<V>.Relu>(x, y, dy, dx, a, b); break;
            case UnaryOp.Erf: Pull<UnaryOperators<V>.Erf>(x, y, dy, dx, a, b); break;
            case UnaryOp.Gelu: Pull<UnaryOperators<V>.Gelu>(x, y, dy, dx, a, b); break;
            case UnaryOp.GeluTanh: Pull<UnaryOperators<V>.GeluTanh>(x, y, dy, dx, a, b); break;
            case UnaryOp.Clamp: Pull<UnaryOperators<V>.Clamp>(x, y, dy, dx, a, b); break;
            case UnaryOp.Sign or UnaryOp.Round or UnaryOp.Floor or UnaryOp.IsNaN: NoGradient(dx); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "Not a unary operation.");
        }
    }

    /// <summary>Exponents that torch computes by multiplication or square root, then the general case.</summary>
    private void Power(in View x, in View y, float exponent)
    {
        switch (exponent)
        {
            case 0f: Fill(y, 1f); break;
            case 1f: Map<UnaryOperators<V>.Scale>(x, y, 1f, 0f); break;
            case 2f: Map<UnaryOperators<V>.Square>(x, y, 0f, 0f); break;
            case 3f: Map<UnaryOperators<V>.Cube>(x, y, 0f, 0f); break;
            case 0.5f: Map<UnaryOperators<V>.Sqrt>(x, y, 0f, 0f); break;
            case -0.5f: Map<UnaryOperators<V>.Rsqrt>(x, y, 0f, 0f); break;
            case -1f: Map<UnaryOperators<V>.Reciprocal>(x, y, 0f, 0f); break;
            default: Map<UnaryOperators<V>.Power>(x, y, exponent, 0f); break;
        }
    }

    private void PowerBackward(in View x, in View y, in View dy, in Destination dx, float exponent)
    {
        switch (exponent)
        {
            case 0f: NoGradient(dx); break;
            case 1f: Pull<UnaryOperators<V>.Scale>(x, y, dy, dx, 1f, 0f); break;
            case 2f: Pull<UnaryOperators<V>.Square>(x, y, dy, dx, 0f, 0f); break;
            case 3f: Pull<UnaryOperators<V>.Cube>(x, y, dy, dx, 0f, 0f); break;
            case 0.5f: Pull<UnaryOperators<V>.Sqrt>(x, y, dy, dx, 0f, 0f); break;
            case -0.5f: Pull<UnaryOperators<V>.Rsqrt>(x, y, dy, dx, 0f, 0f); break;
            case -1f: Pull<UnaryOperators<V>.Reciprocal>(x, y, dy, dx, 0f, 0f); break;
            default: Pull<UnaryOperators<V>.Power>(x, y, dy, dx, exponent, 0f); break;
        }
    }

    private void NoGradient(in Destination dx)
    {
        if (!dx.Accumulate)
            Fill(dx.View, 0f);
    }

    private void Map<TOperator>(in View x, in View y, float a, float b)
        where TOperator : struct, IUnaryOperator<V> =>
        Ranges.Run(Workers, x.Count, 1, new MapRange<TOperator>(x.F32, y.F32, a, b));

    private void Pull<TOperator>(in View x, in View y, in View dy, in Destination dx, float a, float b)
        where TOperator : struct, IUnaryOperator<V> =>
        Ranges.Run(Workers, dy.Count, 1, new PullRange<TOperator>(x.F32, y.F32, dy.F32, dx.View.F32, dx.Accumulate, a, b));

    private readonly struct MapRange<TOperator>(float* x, float* y, float a, float b) : IRange
        where TOperator : struct, IUnaryOperator<V>
    {
        public void Run(long start, long end) => Elementwise<V>.Map<TOperator>(x + start, y + start, end - start, a, b);
    }

    private readonly struct PullRange<TOperator>(float* x, float* y, float* dy, float* dx, bool accumulate, float a, float b) : IRange
        where TOperator : struct, IUnaryOperator<V>
    {
        public void Run(long start, long end) =>
            Elementwise<V>.Pull<TOperator>(x + start, y + start, dy + start, dx + start, accumulate, end - start, a, b);
    }
}
