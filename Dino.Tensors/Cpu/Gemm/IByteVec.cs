namespace Dino.Tensors.Cpu.Gemm;

/// <summary>Groups of four bytes in the 32-bit lanes of one register, and the product that sums them: what I8 weights are multiplied with.</summary>
/// <remarks>Every implementation gives the same integers.</remarks>
internal unsafe interface IByteVec<D> where D : struct, IByteVec<D>
{
    /// <summary>32-bit lanes.</summary>
    static abstract int Count { get; }

    static abstract D Zero { get; }

    /// <summary>The same four bytes in every lane.</summary>
    static abstract D Create(uint bytes);

    static abstract D Load(byte* source);

    static abstract void Store(D value, int* destination);

    /// <summary>Lane by lane: sum + Σ of four products of an unsigned byte and a signed one, which is not -128.</summary>
    static abstract D MultiplyAdd(D unsigned, D signed, D sum);
}
