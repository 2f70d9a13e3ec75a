namespace Dino.Tensors;

/// <summary>What lies beyond the ends of an axis.</summary>
public enum PadMode : byte
{
    /// <summary>One value.</summary>
    Constant,

    /// <summary>The axis mirrored at its first and last element, which are not repeated.</summary>
    Reflect,

    /// <summary>The first and the last element.</summary>
    Replicate,
}

/// <summary>Padding.</summary>
public readonly partial struct Tensor
{
    /// <summary>Adds elements before and after an axis; negative numbers take elements away (<see cref="PadMode.Constant"/> only).</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="before">Elements to add in front.</param>
    /// <param name="after">Elements to add behind.</param>
    /// <param name="mode">What to add.</param>
    /// <param name="value">The value of <see cref="PadMode.Constant"/>.</param>
    /// <exception cref="ShapeMismatchException">The axis is too short to be mirrored, or less than nothing would remain.</exception>
    public Tensor Pad(int axis, int before, int after, PadMode mode = PadMode.Constant, float value = 0)
    {
        axis = Shape.Axis(axis);
        int length = Shape[axis];
        int needed = mode switch
        {
            PadMode.Constant => Math.Max(-before, 0) + Math.Max(-after, 0),
            PadMode.Reflect => Math.Max(before, after) + 1,
            _ => 1,
        };
        if (length < needed || (mode != PadMode.Constant && (before < 0 || after < 0)))
            throw new ShapeMismatchException($"Pad: axis {axis} of {Shape} cannot be padded by {before} and {after} ({mode}).");
        if (before == 0 && after == 0)
            return this;
        return mode == PadMode.Constant ? PadConstant(axis, before, after, value) : IndexSelect(axis, Sources(length, before, after, mode));
    }

    private Tensor PadConstant(int axis, int before, int after, float value)
    {
        Tensor x = before < 0 || after < 0 ? Slice(axis, Math.Max(-before, 0), Shape[axis] + Math.Min(after, 0)) : this;
        Scope scope = Scope.Of(nameof(Pad), this);
        Tensor front = scope.Full(Shape.With(axis, Math.Max(before, 0)), value, DType), back = scope.Full(Shape.With(axis, Math.Max(after, 0)), value, DType);
        return Concat(axis, front, x, back);
    }

    private static int[] Sources(int length, int before, int after, PadMode mode)
    {
        int[] sources = new int[before + length + after];
        for (int i = 0; i < sources.Length; i++)
        {
            int at = i - before;
            sources[i] = mode == PadMode.Replicate ? Math.Clamp(at, 0, length - 1)
                : at < 0 ? -at
                : at >= length ? (2 * (length - 1)) - at
                : at;
        }

        return sources;
    }
}
