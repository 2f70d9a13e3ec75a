namespace Dino.Tensors.Cpu;

/// <summary>
/// F32 lanes of one hardware width. A kernel is written once over <c>V : struct, IVec&lt;V&gt;</c>; the JIT compiles it per width
/// to the same code as a hand-written copy.
/// </summary>
/// <remarks>Comparison masks are vectors of all-ones / all-zeros lanes, to be used with <see cref="Select"/> only.</remarks>
internal unsafe interface IVec<V> where V : struct, IVec<V>
{
    /// <summary>Lanes.</summary>
    static abstract int Count { get; }

    static abstract V Zero { get; }

    static abstract V Create(float value);

    static abstract V Load(float* source);

    /// <summary>Loads the first <paramref name="count"/> lanes (0..Count) and touches no memory beyond them; the others are zero.</summary>
    static abstract V LoadPartial(float* source, int count);

    static abstract void Store(V value, float* destination);

    /// <summary>Stores the first <paramref name="count"/> lanes (0..Count) and touches no memory beyond them.</summary>
    static abstract void StorePartial(V value, float* destination, int count);

    /// <summary>Loads and converts integers; those beyond 2^24 are rounded.</summary>
    static abstract V LoadInt32(int* source);

    /// <summary>Loads and widens brain floats.</summary>
    static abstract V LoadBFloat16(ushort* source);

    /// <summary>Stores lanes in [0, 256), truncated, as <see cref="Count"/> bytes; other lanes store any byte.</summary>
    static abstract void StoreBytes(V value, byte* destination);

    static abstract V operator +(V a, V b);

    static abstract V operator -(V a, V b);

    static abstract V operator *(V a, V b);

    static abstract V operator /(V a, V b);

    static abstract V operator -(V a);

    /// <summary>a * b + c, fused where the hardware fuses.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>
    /// Larger lane. Where <paramref name="b"/> is NaN so is the result, on every platform; where only <paramref name="a"/> is, x86
    /// answers b. A limit therefore goes first: <c>Max(limit, x)</c> keeps a NaN of x.
    /// </summary>
    static abstract V Max(V a, V b);

    /// <summary>Smaller lane, with the NaN rule of <see cref="Max"/>.</summary>
    static abstract V Min(V a, V b);

    static abstract V Abs(V a);

    static abstract V Sqrt(V a);

    static abstract V Floor(V a);

    /// <summary>Nearest integer, ties to even.</summary>
    static abstract V Round(V a);

    static abstract V LessThan(V a, V b);

    /// <summary>Equal lanes; false for NaN, so <c>Equal(x, x)</c> finds what is not NaN.</summary>
    static abstract V Equal(V a, V b);

    /// <summary>Mask of the first <paramref name="count"/> lanes (0..Count).</summary>
    static abstract V FirstLanes(int count);

    /// <summary>Whether any lane of a mask is set.</summary>
    static abstract bool Any(V mask);

    /// <summary>Lanes of <paramref name="a"/> where the mask is set, of <paramref name="b"/> elsewhere.</summary>
    static abstract V Select(V mask, V a, V b);

    /// <summary>2^n for integral n in [-126, 127].</summary>
    static abstract V PowerOfTwo(V n);

    /// <summary>x · 2^n for integral n in [-252, 254], x of order 1; rounds once into the subnormals and overflows to infinity.</summary>
    static abstract V Scale(V x, V n);

    /// <summary>Splits x > 0 (normal) into a mantissa in [1, 2) and an integral exponent.</summary>
    static abstract V Mantissa(V x, out V exponent);

    /// <summary>Sum of the lanes in a fixed order.</summary>
    static abstract float Sum(V a);

    static abstract float MaxAcross(V a);
}
