using Dino.Tensors.Backends;

namespace Dino.Tensors;

/// <summary>Selections by masks: F32 or U8 tensors, 0 for false and anything else for true. Masks broadcast and have no gradient.</summary>
public readonly partial struct Tensor
{
    /// <summary>x where the mask is not 0, else 0. A selection, not a product: NaN and infinities that are masked away leave nothing behind.</summary>
    /// <exception cref="ShapeMismatchException">The shapes do not broadcast.</exception>
    /// <exception cref="InvalidOperationException">The mask requires a gradient: it gets none.</exception>
    public Tensor Keep(Tensor mask) => BinaryFunction.Apply(BinaryOp.Mask, this, AsMask(nameof(Keep), mask));

    /// <summary>a where the condition is not 0, else b. All three broadcast.</summary>
    /// <exception cref="ShapeMismatchException">The shapes do not broadcast.</exception>
    /// <exception cref="InvalidOperationException">The condition requires a gradient: it gets none.</exception>
    public static Tensor Where(Tensor condition, Tensor a, Tensor b)
    {
        Tensor mask = AsMask(nameof(Where), condition);
        return a.Keep(mask) + b.Keep(Not(mask));
    }

    /// <summary>A value where the mask is not 0, else x. The value may be an infinity, as for attention scores.</summary>
    /// <exception cref="ShapeMismatchException">The shapes do not broadcast.</exception>
    public Tensor MaskedFill(Tensor mask, float value)
    {
        Tensor where = AsMask(nameof(MaskedFill), mask);
        Scope scope = Scope.Of(nameof(MaskedFill), this, where);
        return Keep(Not(where)) + scope.Full([], value).Keep(where);
    }

    /// <summary>The elements where the mask is not 0, in order, as one axis.</summary>
    /// <remarks>How many there are is known only after the mask has been read: waits for the device.</remarks>
    /// <exception cref="ShapeMismatchException">The mask does not repeat to the shape of this tensor.</exception>
    public Tensor MaskedSelect(Tensor mask)
    {
        float[] kept = AsMask(nameof(MaskedSelect), mask).Expand(Shape).ToArray();
        int[] positions = new int[kept.Length];
        int count = 0;
        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i] != 0)
                positions[count++] = i;
        }

        return Reshape(checked((int)Count)).IndexSelect(0, positions.AsSpan(0, count));
    }

    private static Tensor AsMask(string operation, Tensor mask)
    {
        Autograd.NoGradient.Demand(operation, mask);
        return mask.DType == DType.U8 ? mask.To(DType.F32) : mask;
    }

    /// <summary>1 where a mask is 0, else 0.</summary>
    private static Tensor Not(Tensor mask) => mask.EqualTo(Scope.Of(nameof(Not), mask).Zeros([]));
}
