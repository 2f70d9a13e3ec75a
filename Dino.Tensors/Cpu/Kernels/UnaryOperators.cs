using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

/// <summary>An elementwise function of one operand and its gradient; <c>a</c> and <c>b</c> are the constants of <c>UnaryOp</c>.</summary>
internal interface IUnaryOperator<V> where V : struct, IVec<V>
{
    /// <summary>Whether <see cref="Pull"/> reads x; where not, x is not loaded and need not exist.</summary>
    static abstract bool PullReadsInput { get; }

    /// <summary>Whether <see cref="Pull"/> reads y.</summary>
    static abstract bool PullReadsResult { get; }

    static abstract V Apply(V x, V a, V b);

    /// <summary>The gradient dy pulled back through the function.</summary>
    static abstract V Pull(V dy, V x, V y, V a, V b);
}

/// <summary>The arithmetic operators; <c>UnaryOperators.Transcendental.cs</c> has the others.</summary>
internal static partial class UnaryOperators<V> where V : struct, IVec<V>
{
    private static V One => V.Create(1f);

    /// <summary>1, 0 or -1; 0 for NaN, as in torch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SignOf(V x) =>
        V.Select(V.LessThan(V.Zero, x), One, V.Select(V.LessThan(x, V.Zero), V.Create(-1f), V.Zero));

    public readonly struct Affine : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.MultiplyAdd(x, a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * a;
    }

    /// <summary>a x, keeping the sign of zero that a sum with b = 0 would lose.</summary>
    public readonly struct Scale : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => x * a;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * a;
    }

    public readonly struct Abs : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Abs(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * SignOf(x);
    }

    public readonly struct Sqrt : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Sqrt(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * V.Create(0.5f) / y;
    }

    public readonly struct Rsqrt : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => One / V.Sqrt(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * V.Create(-0.5f) * y * y * y;
    }

    public readonly struct Reciprocal : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => One / x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => -dy * y * y;
    }

    public readonly struct Square : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => x * x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * (x + x);
    }

    public readonly struct Cube : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => x * x * x;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * (V.Create(3f) * x * x);
    }

    public readonly struct Relu : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Max(V.Zero, x);

        // y is never negative, so zero is the whole flat side; a NaN lets the gradient through, as in torch.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => V.Select(V.Equal(y, V.Zero), V.Zero, dy);
    }

    public readonly struct Clamp : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Min(b, V.Max(a, x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b)
        {
            V inside = V.Select(V.LessThan(x, a), V.Zero, V.Select(V.LessThan(b, x), V.Zero, dy));
            return V.Select(V.Equal(x, x), inside, V.Zero);
        }
    }

    public readonly struct Sign : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => SignOf(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => V.Zero;
    }

    public readonly struct Round : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Round(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => V.Zero;
    }

    public readonly struct Floor : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Floor(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => V.Zero;
    }

    public readonly struct IsNaN : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => V.Select(V.Equal(x, x), V.Zero, One);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => V.Zero;
    }
}
