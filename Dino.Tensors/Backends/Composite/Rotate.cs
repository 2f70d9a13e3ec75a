namespace Dino.Tensors.Backends;

/// <summary>Composite default of rotary position embedding (Su et al. 2021, eq. 34, with the pairs of GPT-NeoX: element j with j + D/2).</summary>
public abstract partial class Backend
{
    public virtual partial void Rotate(in View qkv, in View turns, bool inverse, in Destination y)
    {
        using ScratchFrame scratch = OpenScratch();
        RotateLayout layout = new(qkv.Shape, turns.Shape);
        View result = y.Accumulate ? scratch.Take(qkv.Shape) : y.View;
        View a = scratch.Take(layout.Halves), b = scratch.Take(layout.Halves), cosines = scratch.Take(layout.Turns), sines = scratch.Take(layout.Turns);
        CopyStrided(layout.Half(qkv, 0), new StridedView(a), accumulate: false);
        CopyStrided(layout.Half(qkv, 1), new StridedView(b), accumulate: false);
        CopyStrided(layout.ForEachHead(turns, 0), new StridedView(cosines), accumulate: false);
        CopyStrided(layout.ForEachHead(turns, 1), new StridedView(sines), accumulate: false);
        if (result.Address != qkv.Address)
            Copy(qkv, result);

        View product = scratch.Take(layout.Halves), other = scratch.Take(layout.Halves);
        Turn(a, b, cosines, sines, inverse ? 1 : -1, product, other);
        CopyStrided(new StridedView(product), layout.Half(result, 0), accumulate: false);
        Turn(b, a, cosines, sines, inverse ? -1 : 1, product, other);
        CopyStrided(new StridedView(product), layout.Half(result, 1), accumulate: false);
        if (y.Accumulate)
            Axpby(1, result, 1, y.View);
    }

    /// <summary>y = x cosines + sign · partner sines, with the turns repeated for each sample.</summary>
    private void Turn(in View x, in View partner, in View cosines, in View sines, float sign, in View y, in View work)
    {
        Shape samples = [x.Shape[0], checked((int)cosines.Count)];
        Binary(BinaryOp.Multiply, x.As(samples), cosines, y.As(samples), Broadcast.Row);
        Binary(BinaryOp.Multiply, partner.As(samples), sines, work.As(samples), Broadcast.Row);
        Axpby(sign, work, 1, y);
    }

    /// <summary>Where the halves of the queries and keys of the turned tokens lie.</summary>
    private readonly struct RotateLayout(Shape qkv, Shape turns)
    {
        private readonly int _half = qkv[4] / 2;
        private readonly int _heads = 2 * qkv[3];
        private readonly long _row = 3L * qkv[3] * qkv[4];

        /// <summary>[B, P, heads of queries and keys, D/2].</summary>
        public Shape Halves => [qkv[0], turns[1], _heads, _half];

        /// <summary>[P, heads of queries and keys, D/2].</summary>
        public Shape Turns => [turns[1], _heads, _half];

        public StridedView Half(in View tokens, int which)
        {
            long first = ((qkv[1] - turns[1]) * _row) + (which * _half);
            return new StridedView(tokens.Address + (nint)(first * sizeof(float)), DType.F32, Halves, qkv[1] * _row, _row, 2 * _half, 1);
        }

        public StridedView ForEachHead(in View turns, int which) =>
            new(turns.Slice((long)which * turns.Shape[1] * _half, [1]).Address, DType.F32, Turns, _half, 0, 1);
    }
}
