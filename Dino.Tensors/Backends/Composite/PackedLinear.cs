namespace Dino.Tensors.Backends;

/// <summary>Packed weights as row-major copies: rounded or quantised when packed, made F32 again for each product.</summary>
public abstract partial class Backend
{
    public virtual partial long PackedBytes(WeightFormat format, int outputs, int inputs)
    {
        long count = (long)outputs * inputs;
        return format switch
        {
            WeightFormat.F32 => count * DType.F32.Size(),
            WeightFormat.BF16 => count * DType.BF16.Size(),
            WeightFormat.I8 => ScalesOffset(count) + ((long)outputs * DType.F32.Size()),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Not a weight format."),
        };
    }

    public virtual partial void Pack(in View weight, in PackedView packed)
    {
        if (packed.Format != WeightFormat.I8)
        {
            Cast(weight, Stored(packed));
            return;
        }

        using ScratchFrame scratch = OpenScratch();
        View scales = Scales(packed), factors = scratch.Take(scales.Shape), work = scratch.Take(weight.Shape);
        Unary(UnaryOp.Abs, weight, work);
        ReduceRows(ReduceOp.Max, work, scales);
        Unary(UnaryOp.Clamp, scales, scales, Quantization.Smallest, float.PositiveInfinity);
        Fill(factors, Quantization.WeightLevels);
        Binary(BinaryOp.Divide, factors, scales, factors, Broadcast.None);
        Binary(BinaryOp.Multiply, weight, factors, work, Broadcast.Column);
        Unary(UnaryOp.Affine, work, work, 1, Quantization.WeightShift);
        // Bytes are stored 128 above the integers they stand for: the library has no signed ones.
        Cast(work, Stored(packed));
        Unary(UnaryOp.Affine, scales, scales, 1 / Quantization.WeightLevels, 0);
    }

    public virtual partial void PackedLinear(in View x, in PackedView weight, in View bias, Activation activation, in View residual, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        View matrix = Stored(weight), input = x;
        if (weight.Format != WeightFormat.F32)
        {
            View widened = scratch.Take(matrix.Shape);
            Cast(matrix, widened);
            matrix = widened;
        }

        if (weight.Format == WeightFormat.I8)
        {
            Unary(UnaryOp.Affine, matrix, matrix, 1, -MathF.Floor(Quantization.WeightShift));
            Binary(BinaryOp.Multiply, matrix, Scales(weight), matrix, Broadcast.Column);
            input = scratch.Take(x.Shape);
            QuantizeRows(x, input);
        }

        View product = residual.Exists ? scratch.Take(y.Shape) : y;
        Linear(input, matrix, bias, activation, View.None, product);
        if (residual.Exists)
            Binary(BinaryOp.Add, product, residual, y, Broadcast.None);
    }

    /// <summary>y = the values that remain of x when each row is stored as 8-bit integers.</summary>
    private void QuantizeRows(in View x, in View y)
    {
        using ScratchFrame scratch = OpenScratch();
        Shape lines = [Lines(x)];
        View least = scratch.Take(lines), range = scratch.Take(lines), factors = scratch.Take(lines), bytes = scratch.Take(x.Shape, DType.U8);
        ReduceRows(ReduceOp.Min, x, least);
        ReduceRows(ReduceOp.Max, x, range);
        Binary(BinaryOp.Subtract, range, least, range, Broadcast.None);
        Unary(UnaryOp.Clamp, range, range, Quantization.Smallest, float.PositiveInfinity);
        Fill(factors, Quantization.InputLevels);
        Binary(BinaryOp.Divide, factors, range, factors, Broadcast.None);
        Binary(BinaryOp.Subtract, x, least, y, Broadcast.Column);
        Binary(BinaryOp.Multiply, y, factors, y, Broadcast.Column);
        Unary(UnaryOp.Affine, y, y, 1, Quantization.InputShift);
        Cast(y, bytes);
        Cast(bytes, y);
        Unary(UnaryOp.Affine, range, range, 1 / Quantization.InputLevels, 0);
        Binary(BinaryOp.Multiply, y, range, y, Broadcast.Column);
        Binary(BinaryOp.Add, y, least, y, Broadcast.Column);
    }

    private static View Stored(in PackedView packed) => new(
        packed.Address,
        packed.Format switch { WeightFormat.F32 => DType.F32, WeightFormat.BF16 => DType.BF16, _ => DType.U8 },
        [packed.Outputs, packed.Inputs]);

    /// <summary>The scales [N] behind the bytes.</summary>
    private static View Scales(in PackedView packed) =>
        new(packed.Address + (nint)ScalesOffset((long)packed.Outputs * packed.Inputs), DType.F32, [packed.Outputs]);

    /// <summary>On a cache line.</summary>
    private static long ScalesOffset(long bytes) => (bytes + 63) & ~63L;
}
