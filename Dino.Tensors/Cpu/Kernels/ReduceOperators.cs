using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>A reduction: how elements enter a partial result, and how partial results are joined.</summary>
internal interface IReduceOperator<V> where V : struct, IVec<V>
{
    /// <summary>The result of no elements.</summary>
    static abstract float Identity { get; }

    /// <summary>A partial result with one more element in each lane.</summary>
    static abstract V Accumulate(V partial, V x);

    static abstract V Combine(V a, V b);

    /// <summary>Joins the lanes in a fixed order.</summary>
    static abstract float Across(V partial);

    static abstract float Combine(float a, float b);
}

/// <summary>The operators of <c>ReduceOp</c>.</summary>
internal static class ReduceOperators<V> where V : struct, IVec<V>
{
    public readonly struct Sum : IReduceOperator<V>
    {
        public static float Identity => 0f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Accumulate(V partial, V x) => partial + x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Combine(V a, V b) => a + b;

        public static float Across(V partial) => V.Sum(partial);

        public static float Combine(float a, float b) => a + b;
    }

    public readonly struct SumOfSquares : IReduceOperator<V>
    {
        public static float Identity => 0f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Accumulate(V partial, V x) => V.MultiplyAdd(x, x, partial);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Combine(V a, V b) => a + b;

        public static float Across(V partial) => V.Sum(partial);

        public static float Combine(float a, float b) => a + b;
    }

    public readonly struct SumOfMagnitudes : IReduceOperator<V>
    {
        public static float Identity => 0f;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Accumulate(V partial, V x) => partial + V.Abs(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Combine(V a, V b) => a + b;

        public static float Across(V partial) => V.Sum(partial);

        public static float Combine(float a, float b) => a + b;
    }

    /// <summary>A NaN, once in, stays.</summary>
    public readonly struct Max : IReduceOperator<V>
    {
        public static float Identity => float.NegativeInfinity;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Accumulate(V partial, V x) => BinaryOperators<V>.Maximum.Apply(partial, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Combine(V a, V b) => BinaryOperators<V>.Maximum.Apply(a, b);

        public static float Across(V partial) => HasNaN(partial) ? float.NaN : V.MaxAcross(partial);

        public static float Combine(float a, float b) => MathF.Max(a, b);
    }

    /// <inheritdoc cref="Max"/>
    public readonly struct Min : IReduceOperator<V>
    {
        public static float Identity => float.PositiveInfinity;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Accumulate(V partial, V x) => BinaryOperators<V>.Minimum.Apply(partial, x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Combine(V a, V b) => BinaryOperators<V>.Minimum.Apply(a, b);

        public static float Across(V partial) => HasNaN(partial) ? float.NaN : -V.MaxAcross(-partial);

        public static float Combine(float a, float b) => MathF.Min(a, b);
    }

    private static bool HasNaN(V x) => V.Sum(V.Select(V.Equal(x, x), V.Zero, V.Create(1f))) != 0f;
}
