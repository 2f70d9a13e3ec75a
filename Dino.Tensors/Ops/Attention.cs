using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Multi-head self-attention.</summary>
public readonly partial struct Tensor
{
    /// <summary>softmax(scale · q kᵀ) v for every sample and head. This is the packed output of a qkv layer, [B, N, 3·H·D] as torch packs it.</summary>
    /// <param name="heads">H.</param>
    /// <param name="scale">Factor of the scores; 0 means 1/√D.</param>
    /// <returns>[B, N, H·D], of the type of this tensor.</returns>
    /// <exception cref="ShapeMismatchException">The last axis is not divisible by 3·H.</exception>
    /// <remarks>Vaswani et al. 2017, eq. 1. The probabilities are never stored; see <see cref="Attention(int, float, out Tensor)"/>.</remarks>
    public Tensor Attention(int heads, float scale = 0) => AttentionFunction.Apply(this, heads, scale, wantProbabilities: false, out _);

    /// <inheritdoc cref="Attention(int, float)"/>
    /// <param name="heads">H.</param>
    /// <param name="scale">Factor of the scores; 0 means 1/√D.</param>
    /// <param name="probabilities">The attention maps [B, H, N, N]; they carry no gradient.</param>
    public Tensor Attention(int heads, float scale, out Tensor probabilities) => AttentionFunction.Apply(this, heads, scale, wantProbabilities: true, out probabilities);

    private sealed class AttentionFunction : Function
    {
        private Tensor _qkv;
        private Shape _packed;
        private View _logSumExp;
        private float _scale;

        public static Tensor Apply(Tensor qkv, int heads, float scale, bool wantProbabilities, out Tensor probabilities)
        {
            qkv.RequireInner(nameof(Attention));
            Shape shape = qkv.Shape;
            if (shape.Rank != 3 || heads < 1 || shape[2] % (3 * heads) != 0)
                throw new ShapeMismatchException($"Attention: qkv must be [B, N, 3·H·D] with H = {heads}; it is {shape}.");
            (int batch, int tokens, int width) = (shape[0], shape[1], shape[2] / (3 * heads));
            scale = scale == 0 ? 1 / MathF.Sqrt(width) : scale;
            Scope scope = Scope.Of(nameof(Attention), qkv);
            Spare spare = Spare.Of(qkv);
            Tensor y = scope.Empty([batch, tokens, heads * width], qkv.DType, spare);
            View logSumExp = scope.Empty([batch, heads, tokens], DType.F32, spare).View;
            probabilities = wantProbabilities ? scope.Empty([batch, heads, tokens, tokens]) : default;
            View packed = qkv.View.As([batch, tokens, 3, heads, width]);
            scope.Backend.Attention(packed, scale, y.View, logSumExp, OptionalView(probabilities));
            if (scope.Record<AttentionFunction>(y, qkv) is { } node)
                (node._qkv, node._packed, node._logSumExp, node._scale) = (qkv, packed.Shape, logSumExp, scale);
            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_qkv) is { IsWanted: true } dqkv)
                pass.Backend.AttentionBackward(_qkv.View.As(_packed), _scale, Output.View, _logSumExp, pass.OutputGradient, dqkv with { View = dqkv.View.As(_packed) });
        }
    }
}
