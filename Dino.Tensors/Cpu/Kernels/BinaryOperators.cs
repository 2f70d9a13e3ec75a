using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>An elementwise function of two operands.</summary>
internal interface IBinaryOperator<V> where V : struct, IVec<V>
{
    static abstract V Apply(V a, V b);
}

/// <summary>The operators of <c>BinaryOp</c>.</summary>
internal static class BinaryOperators<V> where V : struct, IVec<V>
{
    public readonly struct Add : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => a + b;
    }

    public readonly struct Subtract : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => a - b;
    }

    public readonly struct Multiply : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => a * b;
    }

    public readonly struct Divide : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => a / b;
    }

    /// <summary>The hardware keeps a NaN of b; one of a is put back.</summary>
    public readonly struct Maximum : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => V.Select(V.Equal(a, a), V.Max(a, b), a);
    }

    /// <inheritdoc cref="Maximum"/>
    public readonly struct Minimum : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => V.Select(V.Equal(a, a), V.Min(a, b), a);
    }

    public readonly struct Equal : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => V.Select(V.Equal(a, b), V.Create(1f), V.Zero);
    }

    public readonly struct Less : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => V.Select(V.LessThan(a, b), V.Create(1f), V.Zero);
    }

    public readonly struct Mask : IBinaryOperator<V>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V a, V b) => V.Select(V.Equal(b, V.Zero), V.Zero, a);
    }
}
