namespace Dino.Tensors.Backends;

public abstract partial class Backend
{
    public virtual partial void Softmax(in View x, in View y) => throw new NotSupportedException("pending");
    public virtual partial void SoftmaxBackward(in View y, in View dy, in Destination dx) => throw new NotSupportedException("pending");
    public virtual partial void LogSoftmax(in View x, in View y) => throw new NotSupportedException("pending");
    public virtual partial void LogSoftmaxBackward(in View y, in View dy, in Destination dx) => throw new NotSupportedException("pending");
    public virtual partial void LayerNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View rstd) => throw new NotSupportedException("pending");
    public virtual partial void LayerNormBackward(in View x, in View gamma, in View mean, in View rstd, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta) => throw new NotSupportedException("pending");
    public virtual partial void BatchNorm(in View x, in View gamma, in View beta, float epsilon, in View y, in View mean, in View variance) => throw new NotSupportedException("pending");
    public virtual partial void BatchNormBackward(in View x, in View gamma, in View mean, in View variance, float epsilon, in View dy, in Destination dx, in Destination dgamma, in Destination dbeta) => throw new NotSupportedException("pending");
    public virtual partial void Normalize(in View x, float epsilon, in View y, in View norms) => throw new NotSupportedException("pending");
    public virtual partial void NormalizeBackward(in View y, in View norms, float epsilon, in View dy, in Destination dx) => throw new NotSupportedException("pending");
    public virtual partial void WeightNorm(in View v, in View g, in View w, in View norms) => throw new NotSupportedException("pending");
    public virtual partial void WeightNormBackward(in View v, in View g, in View norms, in View dw, in Destination dv, in Destination dg) => throw new NotSupportedException("pending");
    public virtual partial void ClipEach(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norms) => throw new NotSupportedException("pending");
    public virtual partial void ClipTogether(in View gradient, ReadOnlySpan<Segment> segments, float maxNorm, in View norm) => throw new NotSupportedException("pending");
    public virtual partial void Adam(in View parameter, in View gradient, in View first, in View second, ReadOnlySpan<Segment> segments, AdamConstants constants) => throw new NotSupportedException("pending");
    public virtual partial void Sgd(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, SgdConstants constants) => throw new NotSupportedException("pending");
    public virtual partial void Lars(in View parameter, in View gradient, in View momentum, ReadOnlySpan<Segment> segments, LarsConstants constants) => throw new NotSupportedException("pending");
}
