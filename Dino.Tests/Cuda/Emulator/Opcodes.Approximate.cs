namespace Dino.Tests.Cuda.Emulator;

/// <summary>
/// The fast functions. Which bits a device gives is not documented, only how far off they may be: results are off by as much here, in a direction that
/// looks random and depends on nothing but the argument, unless the exact result is a float.
/// </summary>
internal static unsafe partial class Opcodes
{
    private static void AddApproximate()
    {
        foreach (string flush in (string[])["", ".ftz"])
        {
            bool isFlushed = flush.Length > 0;
            Approximate<PowerOfTwo>("ex2", isFlushed);
            Approximate<LogarithmOfTwo>("lg2", isFlushed);
            Approximate<Reciprocal>("rcp", isFlushed);
            Approximate<ReciprocalRoot>("rsqrt", isFlushed);
            Approximate<SquareRoot>("sqrt", isFlushed);
            Approximate<Sine>("sin", isFlushed);
            Approximate<Cosine>("cos", isFlushed);
        }

        Same("tanh.approx.f32", 1, &Lane.Map<float, float, Approximation<HyperbolicTangent, NotFlushed>>);
        foreach (string kind in (string[])["approx", "full"])
        {
            Same($"div.{kind}.f32", 2, &Lane.Map2<float, float, float, ApproximateQuotient<NotFlushed>>);
            Same($"div.{kind}.ftz.f32", 2, &Lane.Map2<float, float, float, ApproximateQuotient<IsFlushed>>);
        }
    }

    private static void Approximate<TFunction>(string name, bool isFlushed)
        where TFunction : struct, IFunction
    {
        if (isFlushed)
            Same(name + ".approx.ftz.f32", 1, &Lane.Map<float, float, Approximation<TFunction, IsFlushed>>);
        else
            Same(name + ".approx.f32", 1, &Lane.Map<float, float, Approximation<TFunction, NotFlushed>>);
    }

    /// <summary>A number in [-1, 1) that follows from x.</summary>
    private static double Direction(float x) => (int)(BitConverter.SingleToUInt32Bits(x) * 2654435761u ^ 0x5bd1e995u) * (1 / 2147483648.0);

    private static float Round(double exact, double relative, double absolute, float seed)
    {
        float nearest = (float)exact;
        return nearest == exact || double.IsNaN(exact) || double.IsInfinity(nearest) ? nearest : (float)(exact + (Direction(seed) * ((Math.Abs(exact) * relative) + absolute)));
    }

    /// <summary>A function and how far a device may be off, as the instruction set's documentation says.</summary>
    private interface IFunction
    {
        static abstract double Relative { get; }

        static abstract double Absolute { get; }

        static abstract double Of(double x);
    }

    private interface IFlushing
    {
        static abstract bool Flushes { get; }
    }

    private readonly struct IsFlushed : IFlushing
    {
        public static bool Flushes => true;
    }

    private readonly struct NotFlushed : IFlushing
    {
        public static bool Flushes => false;
    }

    private readonly struct Approximation<TFunction, TFlushing> : IScalar1<float, float>
        where TFunction : struct, IFunction
        where TFlushing : struct, IFlushing
    {
        public static float Of(float a)
        {
            float x = TFlushing.Flushes ? Flush(a) : a;
            float y = Round(TFunction.Of(x), TFunction.Relative, TFunction.Absolute, x);
            return TFlushing.Flushes ? Flush(y) : y;
        }
    }

    private readonly struct ApproximateQuotient<TFlushing> : IScalar2<float, float, float>
        where TFlushing : struct, IFlushing
    {
        public static float Of(float a, float b)
        {
            (float x, float y) = TFlushing.Flushes ? (Flush(a), Flush(b)) : (a, b);
            float quotient = Round((double)x / y, Ulps(2), 0, x * 1.1f + y);
            return TFlushing.Flushes ? Flush(quotient) : quotient;
        }
    }

    private static double Ulps(int count) => count * (1.0 / (1 << 24));

    private readonly struct PowerOfTwo : IFunction
    {
        public static double Relative => 1.0 / (1 << 22);

        public static double Absolute => 0;

        public static double Of(double x) => Math.Pow(2, x);
    }

    private readonly struct LogarithmOfTwo : IFunction
    {
        public static double Relative => Ulps(1);

        public static double Absolute => 1.0 / (1 << 22);

        public static double Of(double x) => Math.Log2(x);
    }

    private readonly struct Reciprocal : IFunction
    {
        public static double Relative => Ulps(2);

        public static double Absolute => 0;

        public static double Of(double x) => 1 / x;
    }

    private readonly struct ReciprocalRoot : IFunction
    {
        public static double Relative => Ulps(2);

        public static double Absolute => 0;

        public static double Of(double x) => 1 / Math.Sqrt(x);
    }

    private readonly struct SquareRoot : IFunction
    {
        public static double Relative => Ulps(2);

        public static double Absolute => 0;

        public static double Of(double x) => Math.Sqrt(x);
    }

    private readonly struct Sine : IFunction
    {
        public static double Relative => 0;

        /// <summary>Of arguments in [-π, π]; beyond, it grows with them.</summary>
        public static double Absolute => 1.0 / (1 << 20);

        public static double Of(double x) => Math.Sin(x);
    }

    private readonly struct Cosine : IFunction
    {
        public static double Relative => 0;

        public static double Absolute => 1.0 / (1 << 20);

        public static double Of(double x) => Math.Cos(x);
    }

    private readonly struct HyperbolicTangent : IFunction
    {
        public static double Relative => 1.0 / (1 << 11);

        public static double Absolute => 0;

        public static double Of(double x) => Math.Tanh(x);
    }
}
