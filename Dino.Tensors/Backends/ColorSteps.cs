namespace Dino.Tensors.Backends;

/// <summary>Changes of colour in the order in which they are made, at most eight.</summary>
/// <param name="Packed">Four bits each, the first in the lowest: the form in which devices read it.</param>
public readonly record struct ColorSteps(uint Packed)
{
    private const int Bits = 4, Mask = (1 << Bits) - 1;

    /// <summary>The first change, <see cref="ColorStep.None"/> where there is no more.</summary>
    public ColorStep First => (ColorStep)(Packed & Mask);

    /// <summary>All but the first.</summary>
    public ColorSteps Rest => new(Packed >> Bits);

    /// <summary>One more, at the end.</summary>
    public ColorSteps Then(ColorStep step)
    {
        int used = (32 - System.Numerics.BitOperations.LeadingZeroCount(Packed) + Bits - 1) / Bits;
        return new ColorSteps(Packed | ((uint)step << (used * Bits)));
    }

    /// <summary>The changes in order: <c>Hue, Contrast</c>.</summary>
    /// <remarks>What a record prints by itself, its properties, has no end here.</remarks>
    public override string ToString() => Rest.First == ColorStep.None ? $"{First}" : $"{First}, {Rest}";
}
