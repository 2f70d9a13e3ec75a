using Dino.Tensors.Backends;

namespace Dino.Tensors.Cpu;

internal unsafe partial class CpuPrimitives<V>
{
    public override void Binary(BinaryOp op, in View a, in View b, in View y, Broadcast broadcast)
    {
        switch (op)
        {
            case BinaryOp.Add: Zip<BinaryOperators<V>.Add>(a, b, y, broadcast); break;
            case BinaryOp.Subtract: Zip<BinaryOperators<V>.Subtract>(a, b, y, broadcast); break;
            case BinaryOp.Multiply: Zip<BinaryOperators<V>.Multiply>(a, b, y, broadcast); break;
            case BinaryOp.Divide: Zip<BinaryOperators<V>.Divide>(a, b, y, broadcast); break;
            case BinaryOp.Maximum: Zip<BinaryOperators<V>.Maximum>(a, b, y, broadcast); break;
            case BinaryOp.Minimum: Zip<BinaryOperators<V>.Minimum>(a, b, y, broadcast); break;
            case BinaryOp.Equal: Zip<BinaryOperators<V>.Equal>(a, b, y, broadcast); break;
            case BinaryOp.Less: Zip<BinaryOperators<V>.Less>(a, b, y, broadcast); break;
            case BinaryOp.Mask: Zip<BinaryOperators<V>.Mask>(a, b, y, broadcast); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "Not a binary operation.");
        }
    }

    public override void Axpby(float alpha, in View x, float beta, in View y)
    {
        if (beta == 0f)
            Map<UnaryOperators<V>.Scale>(x, y, alpha, 0f);
        else
            Ranges.Run(Workers, x.Count, 1, new AxpbyRange(alpha, x.F32, beta, y.F32));
    }

    private void Zip<TOperator>(in View a, in View b, in View y, Broadcast broadcast)
        where TOperator : struct, IBinaryOperator<V>
    {
        if (a.Count == 0)
            return;
        long columns = broadcast switch
        {
            Broadcast.Row => b.Count,
            Broadcast.Column => a.Count / b.Count,
            _ => a.Count,
        };
        // Rows or columns of one element are cheaper seen as the plain cases.
        broadcast = (broadcast, columns) switch
        {
            (Broadcast.Row, 1) or (Broadcast.Column, _) when b.Count == 1 => Broadcast.Scalar,
            (Broadcast.Column, 1) => Broadcast.None,
            (Broadcast.Row, _) when columns == a.Count => Broadcast.None,
            _ => broadcast,
        };
        Ranges.Run(Workers, a.Count, 1, new ZipRange<TOperator>(a.F32, b.F32, y.F32, broadcast, columns));
    }

    /// <summary>A flat range of a seen as [rows, columns]: cut anywhere, also within a row.</summary>
    private readonly struct ZipRange<TOperator>(float* a, float* b, float* y, Broadcast broadcast, long columns) : IRange
        where TOperator : struct, IBinaryOperator<V>
    {
        public void Run(long start, long end)
        {
            switch (broadcast)
            {
                case Broadcast.None: Elementwise<V>.Zip<TOperator>(a + start, b + start, y + start, end - start); return;
                case Broadcast.Scalar: Elementwise<V>.ZipScalar<TOperator>(a + start, *b, y + start, end - start); return;
            }

            (long row, long column) = Math.DivRem(start, columns);
            while (start < end)
            {
                long length = Math.Min(columns - column, end - start);
                if (broadcast == Broadcast.Row)
                    Elementwise<V>.Zip<TOperator>(a + start, b + column, y + start, length);
                else
                    Elementwise<V>.ZipScalar<TOperator>(a + start, b[row], y + start, length);
                start += length;
                column = 0;
                row++;
            }
        }
    }

    private readonly struct AxpbyRange(float alpha, float* x, float beta, float* y) : IRange
    {
        public void Run(long start, long end) => Elementwise<V>.Axpby(alpha, x + start, beta, y + start, end - start);
    }
}
