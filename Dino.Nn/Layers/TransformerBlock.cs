using Dino.Tensors;

namespace Dino.Nn;

/// <summary>A pre-norm transformer block: x + attention(norm(x)), then x + feedforward(norm(x)).</summary>
public sealed class TransformerBlock : Module
{
    private readonly Module _norm1;
    private readonly SelfAttention _attention;
    private readonly LayerScale? _scale1;
    private readonly Module _norm2;
    private readonly IFeedForward _feedForward;
    private readonly LayerScale? _scale2;
    private readonly DropPath _dropPath;

    /// <summary>A block.</summary>
    /// <param name="scope">Where <c>norm1</c>, <c>attn</c>, <c>ls1</c>, <c>norm2</c>, <c>mlp</c> and <c>ls2</c> are declared.</param>
    /// <param name="options">Width, heads, and the kinds of its parts.</param>
    /// <param name="dropPath">Probability of dropping each branch, with a draw each, as in the official code.</param>
    public TransformerBlock(ParameterScope scope, VisionTransformerOptions options, float dropPath)
        : base(scope)
    {
        int width = options.Width;
        _norm1 = Norm(scope / "norm1", options);
        _attention = new SelfAttention(scope / "attn", width, options.Heads, options.QkvBias, options.MaskedKeyBias);
        _scale1 = Scale(scope / "ls1", options);
        _norm2 = Norm(scope / "norm2", options);
        _feedForward = options.FeedForward == FeedForwardKind.Mlp
            ? new Mlp(scope / "mlp", width, options.HiddenWidth)
            : new SwiGlu(scope / "mlp", width, options.HiddenWidth, split: options.FeedForward == FeedForwardKind.SwiGluSplit);
        _scale2 = Scale(scope / "ls2", options);
        // The other kinds of parts know nothing of samples left out.
        bool leavesOut = options is { Norm: NormKind.LayerNorm, LayerScale: 0, FeedForward: FeedForwardKind.Mlp, Rotary: null };
        _dropPath = new DropPath(scope.Store, dropPath, leavesOut);
    }

    /// <inheritdoc/>
    /// <param name="x">Tokens [B, N, D].</param>
    public override Tensor Forward(Tensor x) => Forward(x, default);

    /// <summary>The same with rotary positions.</summary>
    internal Tensor Forward(Tensor x, Rotation rotation)
    {
        DropPath.Draw draw = _dropPath.Next(x);
        Tensor normed = Normed(_norm1, x, draw.Samples);
        Tensor middle = _attention.Forward(normed, rotation, new Junction(x, draw, _scale1));
        normed.Release();
        return FeedForward(middle);
    }

    /// <summary>The first token of the result: the other tokens serve as keys and values only, and the rest of the block sees one token a sample.</summary>
    /// <returns>[B, D].</returns>
    internal Tensor ForwardFirst(Tensor x, Rotation rotation)
    {
        Tensor normed = _norm1.Forward(x);
        Tensor middle = _attention.ForwardFirst(normed, rotation, new Junction(x.Select(1, 0), _dropPath.Factors(x), _scale1));
        normed.Release();
        return FeedForward(middle);
    }

    /// <summary>The attention maps [B, H, N, N] of this block.</summary>
    internal Tensor AttentionMaps(Tensor x, Rotation rotation) => _attention.Probabilities(_norm1.Forward(x), rotation);

    /// <summary>A norm of the options' kind.</summary>
    internal static Module Norm(ParameterScope scope, VisionTransformerOptions options)
    {
        float epsilon = options.EffectiveNormEpsilon;
        return options.Norm == NormKind.RmsNorm ? new RmsNorm(scope, options.Width, epsilon) : new LayerNorm(scope, options.Width, epsilon);
    }

    /// <summary>A norm's result for a product to read, of some samples or, by default, of all.</summary>
    private static Tensor Normed(Module norm, Tensor x, Tensor samples) =>
        norm is not LayerNorm layer ? norm.Forward(x)
        : samples.Exists ? layer.Forward(x, samples, x.Device.Backend.InnerType)
        : layer.Forward(x, x.Device.Backend.InnerType);

    private static LayerScale? Scale(ParameterScope scope, VisionTransformerOptions options) =>
        options.LayerScale > 0 ? new LayerScale(scope, options.Width, options.LayerScale) : null;

    /// <summary>x + feedforward(norm(x)); x is released.</summary>
    private Tensor FeedForward(Tensor x)
    {
        DropPath.Draw draw = _dropPath.Next(x);
        Tensor normed = Normed(_norm2, x, draw.Samples);
        Tensor y = _feedForward.Forward(normed, new Junction(x, draw, _scale2));
        normed.Release();
        x.Release();
        return y;
    }
}
