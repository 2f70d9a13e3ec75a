using System.Runtime.CompilerServices;

namespace Dino.Tensors.Cpu;

internal static partial class UnaryOperators<V>
{
    public readonly struct Exp : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Exp(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * y;
    }

    public readonly struct Log : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Log(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy / x;
    }

    /// <summary>x^a for the exponents without an operator of their own: lane by lane, since e^(a log x) in F32 loses a · log x ulp.</summary>
    public readonly unsafe struct Power : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        public static V Apply(V x, V a, V b) => Raise(x, a);

        public static V Pull(V dy, V x, V y, V a, V b) => dy * (a * Raise(x, a - One));

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static V Raise(V x, V exponent)
        {
            float* lanes = stackalloc float[V.Count];
            float* exponents = stackalloc float[V.Count];
            V.Store(x, lanes);
            V.Store(exponent, exponents);
            for (int i = 0; i < V.Count; i++)
                lanes[i] = MathF.Pow(lanes[i], exponents[i]);
            return V.Load(lanes);
        }
    }

    public readonly struct Tanh : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Tanh(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * (One - (y * y));
    }

    public readonly struct Sigmoid : IUnaryOperator<V>
    {
        public static bool PullReadsInput => false;

        public static bool PullReadsResult => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Sigmoid(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * (y * (One - y));
    }

    public readonly struct Silu : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => x / (One + VectorMath<V>.Exp(-x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b)
        {
            V s = VectorMath<V>.Sigmoid(x);
            return dy * (s * V.MultiplyAdd(x, One - s, One));
        }
    }

    public readonly struct Softplus : IUnaryOperator<V>
    {
        private static V Threshold => V.Create(20f);

        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b)
        {
            // max(x, 0) + log(1 + e^-|x|): the exponential never overflows. What 1 + t rounds away is added back to first order.
            V t = VectorMath<V>.Exp(-V.Abs(x));
            V u = One + t;
            V y = V.Max(V.Zero, x) + (VectorMath<V>.Log(u) + ((t - (u - One)) / u));
            return V.Select(V.LessThan(Threshold, x), x, y);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) =>
            V.Select(V.LessThan(Threshold, x), dy, dy * VectorMath<V>.Sigmoid(x));
    }

    public readonly struct Erf : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Erf(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b)
        {
            const float TwoOverSqrtPi = 1.12837916709551257f;
            return dy * (VectorMath<V>.Exp(-x * x) * V.Create(TwoOverSqrtPi));
        }
    }

    public readonly struct Gelu : IUnaryOperator<V>
    {
        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => VectorMath<V>.Gelu(x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b) => dy * VectorMath<V>.GeluDerivative(x);
    }

    /// <summary>x/2 (1 + tanh u) = x sigmoid(2u) with u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016).</summary>
    public readonly struct GeluTanh : IUnaryOperator<V>
    {
        private const float TwoSqrtTwoOverPi = 1.59576912160573071f;
        private const float Cubic = 0.044715f;

        public static bool PullReadsInput => true;

        public static bool PullReadsResult => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply(V x, V a, V b) => x * Gate(x, x * x);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Pull(V dy, V x, V y, V a, V b)
        {
            V square = x * x;
            V s = Gate(x, square);
            V slope = V.Create(TwoSqrtTwoOverPi) * V.MultiplyAdd(V.Create(3f * Cubic), square, One);
            return dy * V.MultiplyAdd(x * slope, s * (One - s), s);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Gate(V x, V square) =>
            VectorMath<V>.Sigmoid(x * V.Create(TwoSqrtTwoOverPi) * V.MultiplyAdd(V.Create(Cubic), square, One));
    }
}
