namespace Dino.Tensors.Backends;

/// <summary>Composite defaults of the optimizer steps, one segment after the other.</summary>
public abstract partial class Backend
{
    public virtual partial void Adam(in View parameter, in View gradient, in View first, in View second, ReadOnlySpan<Segment> segments, AdamConstants constants, in SweepExtras extras)
    {
        foreach (Segment segment in segments)
        {
            using ScratchFrame scratch = OpenScratch();
            View p = Part(parameter, segment), m = Part(first, segment), v = Part(second, segment);
            View work = scratch.Take(p.Shape);
            View g = Clipped(Part(gradient, segment), segment, extras, scratch);
            if (constants.Decoupled)
                Unary(UnaryOp.Affine, p, p, (float)(1 - (double)segment.LearningRate * segment.WeightDecay));
            else
                g = Decayed(g, p, segment, scratch.Take(p.Shape));

            if (segment.Step == 1)
            {
                Fill(m, 0f);
                Fill(v, 0f);
            }

            Axpby((float)(1 - constants.Beta1), g, (float)constants.Beta1, m);
            Unary(UnaryOp.Square, g, work);
            Axpby((float)(1 - constants.Beta2), work, (float)constants.Beta2, v);

            // The unbiased denominator; epsilon is outside the corrected root, as in torch.
            Unary(UnaryOp.Sqrt, v, work);
            Unary(UnaryOp.Affine, work, work, (float)(1 / Math.Sqrt(1 - Math.Pow(constants.Beta2, segment.Step))), constants.Epsilon);
            Binary(BinaryOp.Divide, m, work, work, Broadcast.None);
            Axpby((float)(-segment.LearningRate / (1 - Math.Pow(constants.Beta1, segment.Step))), work, 1f, p);
            Follow(p, segment, extras);
        }
    }

    public virtual partial void Sgd(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, SgdConstants constants, in SweepExtras extras)
    {
        foreach (Segment segment in segments)
        {
            using ScratchFrame scratch = OpenScratch();
            View p = Part(parameter, segment);
            View work = scratch.Take(p.Shape);
            View g = Decayed(Clipped(Part(gradient, segment), segment, extras, scratch), p, segment, work);
            if (constants.Momentum != 0)
            {
                View buffer = Part(momentum, segment);
                if (segment.Step == 1)
                    Copy(g, buffer);
                else
                    Axpby((float)(1 - (double)constants.Dampening), g, constants.Momentum, buffer);
                if (constants.Nesterov)
                {
                    if (g != work)
                        Copy(g, work);
                    Axpby(constants.Momentum, buffer, 1f, work);
                }

                g = constants.Nesterov ? work : buffer;
            }

            Axpby(-segment.LearningRate, g, 1f, p);
            Follow(p, segment, extras);
        }
    }

    public virtual partial void Lars(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, LarsConstants constants, in SweepExtras extras)
    {
        foreach (Segment segment in segments)
        {
            using ScratchFrame scratch = OpenScratch();
            View p = Part(parameter, segment), update = Clipped(Part(gradient, segment), segment, extras, scratch), buffer = Part(momentum, segment);
            if (segment.Adapt)
            {
                View decayed = scratch.Take(p.Shape);
                Copy(update, decayed);
                Axpby(segment.WeightDecay, p, 1f, decayed);
                View trust = scratch.Take([1]);
                TrustRatio(p, decayed, constants.TrustCoefficient, trust);
                Binary(BinaryOp.Multiply, decayed, trust, decayed, Broadcast.Scalar);
                update = decayed;
            }

            if (segment.Step == 1)
                Fill(buffer, 0f);
            Axpby(1f, update, constants.Momentum, buffer);
            Axpby(-segment.LearningRate, buffer, 1f, p);
            Follow(p, segment, extras);
        }
    }

    /// <summary>trust = coefficient ‖p‖ / ‖update‖, or 1 where either norm is 0.</summary>
    private void TrustRatio(in View p, in View update, float coefficient, in View trust)
    {
        using ScratchFrame scratch = OpenScratch();
        View length = scratch.Take([1]), usable = scratch.Take([1]), zero = scratch.Take([1]), movable = scratch.Take([1]);
        Norm(p, trust);
        Norm(update, length);
        Fill(zero, 0f);
        Binary(BinaryOp.Less, zero, length, movable, Broadcast.None);
        Binary(BinaryOp.Less, zero, trust, usable, Broadcast.None);
        Binary(BinaryOp.Multiply, usable, movable, usable, Broadcast.None);

        // A zero length is divided by as 1, then masked out: trust = usable · ratio + (1 - usable).
        Unary(UnaryOp.Affine, movable, movable, -1f, 1f);
        Binary(BinaryOp.Add, length, movable, length, Broadcast.None);
        Binary(BinaryOp.Divide, trust, length, trust, Broadcast.None);
        Unary(UnaryOp.Affine, trust, trust, coefficient);
        Binary(BinaryOp.Multiply, trust, usable, trust, Broadcast.None);
        Unary(UnaryOp.Affine, usable, usable, -1f, 1f);
        Binary(BinaryOp.Add, trust, usable, trust, Broadcast.None);
    }

    /// <summary>g + decay · p in <paramref name="work"/>; g itself where nothing decays.</summary>
    private View Decayed(in View g, in View p, in Segment segment, in View work)
    {
        if (segment.WeightDecay == 0)
            return g;
        Copy(g, work);
        Axpby(segment.WeightDecay, p, 1f, work);
        return work;
    }

    /// <summary>g times its clip factor; g itself where nothing is clipped.</summary>
    private View Clipped(in View g, in Segment segment, in SweepExtras extras, in ScratchFrame scratch)
    {
        if (!extras.Norms.Exists)
            return g;
        View clipped = scratch.Take(g.Shape);
        Copy(g, clipped);
        Clip(clipped, extras.Norms.Slice(segment.Norm, [1]), extras.MaxNorm);
        return clipped;
    }

    /// <summary>follower = m · follower + (1 - m) · p.</summary>
    private void Follow(in View p, in Segment segment, in SweepExtras extras)
    {
        if (extras.Follower.Exists)
            Axpby((float)(1 - extras.Momentum), p, (float)extras.Momentum, Part(extras.Follower, segment));
    }

    /// <summary>The elements of one segment.</summary>
    private static View Part(in View buffer, in Segment segment) => buffer.Slice(segment.Offset, [checked((int)segment.Length)]);
}
