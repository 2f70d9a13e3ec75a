using Dino.Tensors.Autograd;
using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Rotary position embedding.</summary>
public readonly partial struct Tensor
{
    /// <summary>
    /// The packed output of a qkv layer, [B, N, 3·H·D] as torch packs it, with queries and keys turned by angles that depend on the place of their
    /// token, so that scores depend on distances. Elements j and j + D/2 of a head, a and b, become a cos - b sin and b cos + a sin.
    /// </summary>
    /// <param name="turns">[2, P, D/2]: cosines and sines for the last P tokens; the tokens before them, such as CLS, stay. Carries no gradient.</param>
    /// <param name="heads">H.</param>
    /// <param name="type">What queries and keys are computed in: F32, or BF16 as DINOv3 does unless it is told otherwise.</param>
    /// <returns>[B, N, 3·H·D].</returns>
    /// <exception cref="ShapeMismatchException">The last axis is not 3·H·D with an even D, or the turns are not [2, P, D/2] with P at most N.</exception>
    /// <remarks>Su et al. 2021, eq. 34.</remarks>
    public Tensor Rotate(Tensor turns, int heads, DType type = DType.F32)
    {
        Require(DType.F32, nameof(Rotate));
        turns.Require(DType.F32, nameof(Rotate));
        NoGradient.Demand(nameof(Rotate), turns);
        if (Shape.Rank != 3 || heads < 1 || Shape[2] % (6 * heads) != 0)
            throw new ShapeMismatchException($"Rotate: qkv must be [B, N, 3·H·D] with H = {heads} and an even D; it is {Shape}.");
        if (turns.Shape.Rank != 3 || turns.Shape[0] != 2 || turns.Shape[1] > Shape[1] || turns.Shape[2] * 6 * heads != Shape[2])
            throw new ShapeMismatchException($"Rotate: turns must be [2, P, D/2] with P at most {Shape[1]} and D/2 = {Shape[2] / (6 * heads)}; they are {turns.Shape}.");
        return type == DType.F32 ? RotateFunction.Apply(this, turns, heads) : RotateIn(type, turns, heads);
    }

    /// <summary>Every step rounded, as if the type were computed with: there is no kernel for it, because no released network needs one.</summary>
    private Tensor RotateIn(DType type, Tensor turns, int heads)
    {
        (int batch, int tokens, int turned, int half) = (Shape[0], Shape[1], turns.Shape[1], turns.Shape[2]);
        int width = Shape[2] / 3, kept = tokens - turned;
        Tensor rounded = Slice(2, 0, 2 * width).Rounded(type);
        Tensor pairs = rounded.Slice(1, kept).Reshape(batch, turned, 2 * heads, 2, half);
        Tensor table = turns.Rounded(type).Reshape(2, turned, 1, half);
        Tensor cosines = table.Select(0, 0), sines = table.Select(0, 1);
        Tensor a = pairs.Select(3, 0), b = pairs.Select(3, 1);
        Tensor first = ((a * cosines).Rounded(type) - (b * sines).Rounded(type)).Rounded(type);
        Tensor second = ((b * cosines).Rounded(type) + (a * sines).Rounded(type)).Rounded(type);
        Tensor queriesKeys = Stack(3, first, second).Reshape(batch, turned, 2 * width);
        if (kept > 0)
            queriesKeys = Concat(1, rounded.Slice(1, 0, kept), queriesKeys);
        return Concat(2, queriesKeys, Slice(2, 2 * width));
    }

    private sealed class RotateFunction : Function
    {
        private Tensor _qkv;
        private Tensor _turns;
        private Shape _packed;

        protected internal override bool ReadsInputs => false;

        protected internal override bool ReadsOutput => false;

        public static Tensor Apply(Tensor qkv, Tensor turns, int heads)
        {
            Scope scope = Scope.Of(nameof(Rotate), qkv, turns);
            Tensor y = scope.Empty(qkv.Shape);
            Shape packed = [qkv.Shape[0], qkv.Shape[1], 3, heads, qkv.Shape[2] / (3 * heads)];
            scope.Backend.Rotate(qkv.View.As(packed), turns.View, inverse: false, new Destination(y.View.As(packed)));
            if (scope.Record<RotateFunction>(y, qkv, turns) is { } node)
            {
                (node._qkv, node._turns, node._packed) = (qkv, turns, packed);
                // The turns are read again, the values that were turned are not.
                turns.Root.Record.IsSaved = true;
            }

            return y;
        }

        protected override void Backward(in BackwardPass pass)
        {
            if (pass.Gradient(_qkv) is { IsWanted: true } dqkv)
                pass.Backend.Rotate(pass.OutputGradient.As(_packed), _turns.View, inverse: true, dqkv with { View = dqkv.View.As(_packed) });
        }
    }
}
