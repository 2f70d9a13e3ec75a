using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Arithmetic of floats, rounded to nearest even as in IEEE 754; <c>.ftz</c> takes and gives zero for denormal numbers.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddFloat()
    {
        foreach (string rounding in (string[])["", ".rn"])
        {
            Both2<Plus<float>>("add" + rounding);
            Both2<Minus<float>>("sub" + rounding);
            Both2<Times<float>>("mul" + rounding);
            Same($"add{rounding}.f64", 2, &Lane.Vector2<double, Plus<double>>);
            Same($"sub{rounding}.f64", 2, &Lane.Vector2<double, Minus<double>>);
            Same($"mul{rounding}.f64", 2, &Lane.Vector2<double, Times<double>>);
        }

        Both3<Fused<float>>("fma.rn");
        Same("fma.rn.f64", 3, &Lane.Vector3<double, Fused<double>>);
        Both2<DividedBy<float>>("div.rn");
        Same("div.rn.f64", 2, &Lane.Vector2<double, DividedBy<double>>);
        Both1<Root<float>>("sqrt.rn");
        Same("sqrt.rn.f64", 1, &Lane.Vector<double, Root<double>>);
        Both1<Inverse<float>>("rcp.rn");
        Same("rcp.rn.f64", 1, &Lane.Vector<double, Inverse<double>>);
        Both1<Negative<float>>("neg");
        Both1<Absolute<float>>("abs");
        Same("neg.f64", 1, &Lane.Vector<double, Negative<double>>);
        Same("abs.f64", 1, &Lane.Vector<double, Absolute<double>>);
        Both2<SmallerNumber<float>>("min");
        Both2<LargerNumber<float>>("max");
        Same("min.f64", 2, &Lane.Vector2<double, SmallerNumber<double>>);
        Same("max.f64", 2, &Lane.Vector2<double, LargerNumber<double>>);
        AddNumberless<Smaller<float>>("min");
        AddNumberless<Larger<float>>("max");
        Same("copysign.f32", 2, &Lane.Vector2<float, SignOf>);
    }

    /// <summary>Adds an instruction with and without flushing denormal numbers.</summary>
    private static void Both1<TOp>(string name)
        where TOp : struct, IVector1<float>
    {
        Same(name + ".f32", 1, &Lane.Vector<float, TOp>);
        Same(name + ".ftz.f32", 1, &Lane.Vector<float, Flushed<TOp>>);
    }

    private static void Both2<TOp>(string name)
        where TOp : struct, IVector2<float>
    {
        Same(name + ".f32", 2, &Lane.Vector2<float, TOp>);
        Same(name + ".ftz.f32", 2, &Lane.Vector2<float, Flushed2<TOp>>);
    }

    /// <summary>Adds the forms that give no number where an operand is none. The manual has one order of the modifiers, LLVM writes the other.</summary>
    private static void AddNumberless<TOp>(string name)
        where TOp : struct, IVector2<float>
    {
        Both2<TOp>(name + ".NaN");
        Same(name + ".ftz.NaN.f32", 2, &Lane.Vector2<float, Flushed2<TOp>>);
    }

    private static void Both3<TOp>(string name)
        where TOp : struct, IVector3<float>
    {
        Same(name + ".f32", 3, &Lane.Vector3<float, TOp>);
        Same(name + ".ftz.f32", 3, &Lane.Vector3<float, Flushed3<TOp>>);
    }

    /// <summary>Zero of the same sign for a denormal number.</summary>
    internal static Vector256<float> Flush(Vector256<float> x)
    {
        Vector256<uint> bits = x.AsUInt32(), exponent = Vector256.Create(0x7F800000u);
        Vector256<uint> isSmall = Vector256.Equals(bits & exponent, Vector256<uint>.Zero);
        return Vector256.AndNot(bits, isSmall & Vector256.Create(0x7FFFFFFFu)).AsSingle();
    }

    internal static float Flush(float x) => MathF.Abs(x) < 1.17549435e-38f ? MathF.CopySign(0, x) : x;

    private readonly struct Flushed<TOp> : IVector1<float>
        where TOp : struct, IVector1<float>
    {
        public static Vector256<float> Of(Vector256<float> a) => Flush(TOp.Of(Flush(a)));
    }

    private readonly struct Flushed2<TOp> : IVector2<float>
        where TOp : struct, IVector2<float>
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Flush(TOp.Of(Flush(a), Flush(b)));
    }

    private readonly struct Flushed3<TOp> : IVector3<float>
        where TOp : struct, IVector3<float>
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Flush(TOp.Of(Flush(a), Flush(b), Flush(c)));
    }

    /// <summary>Product and sum with one rounding.</summary>
    private readonly struct Fused<T> : IVector3<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c) => typeof(T) == typeof(float)
            ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();
    }

    private readonly struct DividedBy<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a / b;
    }

    private readonly struct Root<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => Vector256.Sqrt(a);
    }

    private readonly struct Inverse<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => Vector256<T>.One / a;
    }

    private readonly struct Negative<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => -a;
    }

    private readonly struct Absolute<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => Vector256.Abs(a);
    }

    /// <summary>The number where the other is none; -0 is below +0.</summary>
    private readonly struct SmallerNumber<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.MinNumber(a, b);
    }

    /// <inheritdoc cref="SmallerNumber{T}"/>
    private readonly struct LargerNumber<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => Vector256.MaxNumber(a, b);
    }

    /// <summary>b with the sign of a.</summary>
    private readonly struct SignOf : IVector2<float>
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b) => Vector256.CopySign(b, a);
    }
}
