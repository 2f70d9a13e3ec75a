using System.Numerics;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Conversions from and between floats.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddFloatConversions()
    {
        Add("cvt.f64.f32", &Lane.Map<float, double, Widen<NotFlushed>>, To("f64"), From("f32"));
        Add("cvt.ftz.f64.f32", &Lane.Map<float, double, Widen<IsFlushed>>, To("f64"), From("f32"));
        Add("cvt.rn.f32.f64", &Lane.Map<double, float, Halve<NotFlushed>>, To("f32"), From("f64"));
        Add("cvt.rn.ftz.f32.f64", &Lane.Map<double, float, Halve<IsFlushed>>, To("f32"), From("f64"));
        Add("cvt.f32.f16", &Lane.Map<uint, float, FromHalf>, To("f32"), From("b16"));
        Add("cvt.ftz.f32.f16", &Lane.Map<uint, float, FromHalf>, To("f32"), From("b16"));
        Add("cvt.rn.f16.f32", &Lane.Map<float, uint, RoundToHalf<NotFlushed>>, To("b16"), From("f32"));
        Add("cvt.rn.ftz.f16.f32", &Lane.Map<float, uint, RoundToHalf<IsFlushed>>, To("b16"), From("f32"));
        Add("cvt.rn.bf16.f32", &Lane.Map<float, uint, RoundToBFloat16>, To("b16"), From("f32"));
        Add("cvt.rn.bf16x2.f32", &Lane.Map2<float, float, uint, RoundBothToBFloat16>, To("b32"), From("f32"), From("f32"));
        Add("cvt.rn.f16x2.f32", &Lane.Map2<float, float, uint, RoundBothToHalf>, To("b32"), From("f32"), From("f32"));
        Add("cvt.rna.tf32.f32", &Lane.Map<float, uint, RoundToTensorFloat>, To("b32"), From("f32"));
        AddRounding<Nearest>("rni");
        AddRounding<TowardsZero>("rzi");
        AddRounding<Down>("rmi");
        AddRounding<Up>("rpi");
        Same("cvt.ftz.f32.f32", 1, &Lane.Vector<float, Flushed<Itself<float>>>);
        Same("cvt.sat.f32.f32", 1, &Lane.Map<float, float, Clamp>);
        Same("cvt.sat.ftz.f32.f32", 1, &Lane.Map<float, float, Clamp>);
    }

    private static void AddRounding<TRounding>(string rounding)
        where TRounding : struct, IRounding
    {
        Same($"cvt.{rounding}.f32.f32", 1, &Lane.Map<float, float, Whole<TRounding, NotFlushed>>);
        Same($"cvt.{rounding}.ftz.f32.f32", 1, &Lane.Map<float, float, Whole<TRounding, IsFlushed>>);
        Same($"cvt.{rounding}.f64.f64", 1, &Lane.Map<double, double, WholeDouble<TRounding>>);
    }

    private static void AddFromFloat<T, TRegister>(string target)
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        AddFromFloat<T, TRegister, Nearest>("rni", target);
        AddFromFloat<T, TRegister, TowardsZero>("rzi", target);
        AddFromFloat<T, TRegister, Down>("rmi", target);
        AddFromFloat<T, TRegister, Up>("rpi", target);
    }

    private static void AddFromFloat<T, TRegister, TRounding>(string rounding, string target)
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
        where TRounding : struct, IRounding
    {
        OperandRule to = new(OperandRole.Destination, Type(target), IsWide: true);
        Add($"cvt.{rounding}.{target}.f32", &Lane.Map<float, TRegister, ToInteger<T, TRegister, TRounding, NotFlushed>>, to, From("f32"));
        Add($"cvt.{rounding}.ftz.{target}.f32", &Lane.Map<float, TRegister, ToInteger<T, TRegister, TRounding, IsFlushed>>, to, From("f32"));
        Add($"cvt.{rounding}.{target}.f64", &Lane.Map<double, TRegister, DoubleToInteger<T, TRegister, TRounding>>, to, From("f64"));
        Add($"cvt.{rounding}.{target}.f16", &Lane.Map<uint, TRegister, HalfToInteger<T, TRegister, TRounding>>, to, From("b16"));
    }

    /// <summary>The bits of the nearest BF16, ties to even.</summary>
    internal static uint ToBFloat16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x) ? 0x7FFF : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    }

    private interface IRounding
    {
        static abstract double Of(double x);
    }

    private readonly struct Nearest : IRounding
    {
        public static double Of(double x) => Math.Round(x, MidpointRounding.ToEven);
    }

    private readonly struct TowardsZero : IRounding
    {
        public static double Of(double x) => Math.Truncate(x);
    }

    private readonly struct Down : IRounding
    {
        public static double Of(double x) => Math.Floor(x);
    }

    private readonly struct Up : IRounding
    {
        public static double Of(double x) => Math.Ceiling(x);
    }

    private readonly struct Whole<TRounding, TFlushing> : IScalar1<float, float>
        where TRounding : struct, IRounding
        where TFlushing : struct, IFlushing
    {
        public static float Of(float a) => (float)TRounding.Of(TFlushing.Flushes ? Flush(a) : a);
    }

    private readonly struct WholeDouble<TRounding> : IScalar1<double, double>
        where TRounding : struct, IRounding
    {
        public static double Of(double a) => TRounding.Of(a);
    }

    /// <summary>Clamps to the range of the integers; no number becomes 0, or the lowest of 64 bits.</summary>
    private readonly struct DoubleToInteger<T, TRegister, TRounding> : IScalar1<double, TRegister>
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TRounding : struct, IRounding
    {
        public static TRegister Of(double a) =>
            double.IsNaN(a) ? (sizeof(T) == 8 ? TRegister.CreateTruncating(1UL << 63) : TRegister.Zero) : TRegister.CreateTruncating(T.CreateSaturating(TRounding.Of(a)));
    }

    private readonly struct ToInteger<T, TRegister, TRounding, TFlushing> : IScalar1<float, TRegister>
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TRounding : struct, IRounding
        where TFlushing : struct, IFlushing
    {
        public static TRegister Of(float a) => DoubleToInteger<T, TRegister, TRounding>.Of(TFlushing.Flushes ? Flush(a) : a);
    }

    private readonly struct HalfToInteger<T, TRegister, TRounding> : IScalar1<uint, TRegister>
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TRounding : struct, IRounding
    {
        public static TRegister Of(uint a) => DoubleToInteger<T, TRegister, TRounding>.Of(FromHalf.Of(a));
    }

    private readonly struct Widen<TFlushing> : IScalar1<float, double>
        where TFlushing : struct, IFlushing
    {
        public static double Of(float a) => TFlushing.Flushes ? Flush(a) : a;
    }

    private readonly struct Halve<TFlushing> : IScalar1<double, float>
        where TFlushing : struct, IFlushing
    {
        public static float Of(double a) => TFlushing.Flushes ? Flush((float)a) : (float)a;
    }

    private readonly struct FromHalf : IScalar1<uint, float>
    {
        public static float Of(uint a) => (float)BitConverter.UInt16BitsToHalf((ushort)a);
    }

    private readonly struct RoundToHalf<TFlushing> : IScalar1<float, uint>
        where TFlushing : struct, IFlushing
    {
        public static uint Of(float a) => BitConverter.HalfToUInt16Bits((Half)(TFlushing.Flushes ? Flush(a) : a));
    }

    private readonly struct RoundToBFloat16 : IScalar1<float, uint>
    {
        public static uint Of(float a) => ToBFloat16(a);
    }

    /// <summary>The first goes into the upper half.</summary>
    private readonly struct RoundBothToBFloat16 : IScalar2<float, float, uint>
    {
        public static uint Of(float a, float b) => (ToBFloat16(a) << 16) | ToBFloat16(b);
    }

    /// <inheritdoc cref="RoundBothToBFloat16"/>
    private readonly struct RoundBothToHalf : IScalar2<float, float, uint>
    {
        public static uint Of(float a, float b) => ((uint)BitConverter.HalfToUInt16Bits((Half)a) << 16) | BitConverter.HalfToUInt16Bits((Half)b);
    }

    /// <summary>10 bits of mantissa, ties away from zero.</summary>
    private readonly struct RoundToTensorFloat : IScalar1<float, uint>
    {
        public static uint Of(float a)
        {
            uint bits = BitConverter.SingleToUInt32Bits(a);
            return float.IsFinite(a) ? (bits + 0x1000) & 0xFFFFE000 : bits;
        }
    }

    private readonly struct Clamp : IScalar1<float, float>
    {
        public static float Of(float a) => a > 0 ? Math.Min(a, 1) : 0;
    }
}
