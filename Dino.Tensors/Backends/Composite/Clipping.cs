namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of gradient norms and clipping.</summary>
public abstract partial class Backend
{
    /// <summary>Keeps the clip factor finite for a zero gradient; the value of torch and of the official DINO code.</summary>
    private protected const float ClipEpsilon = 1e-6f;

    public virtual partial void ClipEach(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            View part = Part(gradient, segments[i]);
            View norm = norms.Slice(i, [1]);
            Norm(part, norm);
            if (maxNorm > 0)
                Clip(part, norm, maxNorm);
        }
    }

    public virtual partial void ClipTogether(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norm)
    {
        Fill(norm, 0f);
        foreach (Segment segment in segments)
        {
            View part = Part(gradient, segment);
            Reduce(ReduceOp.SumOfSquares, part.As([1, part.Columns, 1]), new Destination(norm.As([1, 1]), Accumulate: true));
        }

        Unary(UnaryOp.Sqrt, norm, norm);
        if (maxNorm <= 0)
            return;
        foreach (Segment segment in segments)
            Clip(Part(gradient, segment), norm, maxNorm);
    }

    /// <summary>norm [1] = ‖x‖.</summary>
    private void Norm(in View x, in View norm)
    {
        Reduce(ReduceOp.SumOfSquares, x.As([1, x.Columns, 1]), new Destination(norm.As([1, 1])));
        Unary(UnaryOp.Sqrt, norm, norm);
    }

    /// <summary>x *= min(1, maxNorm / (norm + 1e-6)), without a look at the norm from the host.</summary>
    private void Clip(in View x, in View norm, float maxNorm)
    {
        using ScratchFrame scratch = OpenScratch();
        View factor = scratch.Take([1]);
        Unary(UnaryOp.Affine, norm, factor, 1f, ClipEpsilon);
        Unary(UnaryOp.Reciprocal, factor, factor);
        Unary(UnaryOp.Affine, factor, factor, maxNorm);
        Unary(UnaryOp.Clamp, factor, factor, 0f, 1f);
        Binary(BinaryOp.Multiply, x, factor, x, Broadcast.Scalar);
    }
}
