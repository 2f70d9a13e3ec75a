using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu.Gemm;

/// <summary>An activation as a type argument.</summary>
internal interface IActivation<V>
    where V : struct, IVec<V>
{
    static abstract V Apply(V x);
}

internal readonly struct IdentityActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => x;
}

internal readonly struct GeluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => VectorMath<V>.Gelu(x);
}

internal readonly struct ReluActivation<V> : IActivation<V>
    where V : struct, IVec<V>
{
    // Not V.Max: which operand of a maximum survives a NaN depends on the hardware. A comparison with NaN is false, so NaN stays.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply(V x) => V.Select(V.LessThan(x, V.Zero), V.Zero, x);
}
