using System.Numerics;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Moves, and conversions between types.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddConversions()
    {
        AddMoves();
        AddIntegerSources<byte, uint>("u8");
        AddIntegerSources<sbyte, uint>("s8");
        AddIntegerSources<ushort, uint>("u16");
        AddIntegerSources<short, uint>("s16");
        AddIntegerSources<uint, uint>("u32");
        AddIntegerSources<int, uint>("s32");
        AddIntegerSources<ulong, ulong>("u64");
        AddIntegerSources<long, ulong>("s64");
        AddFloatConversions();
    }

    private static void AddMoves()
    {
        foreach (string type in (string[])["b16", "u16", "s16", "b32", "u32", "s32", "f32"])
            Add("mov." + type, &Lane.Vector<uint, Itself<uint>>, To(type), new(OperandRole.Anything, Type(type)));
        foreach (string type in (string[])["b64", "u64", "s64", "f64"])
            Add("mov." + type, &Lane.Vector<ulong, Itself<ulong>>, To(type), new(OperandRole.Anything, Type(type)));
        Add("mov.pred", &MovePredicate, To("pred"), Predicate());
        Add("mov.pred", &SetPredicate, To("pred"), new(OperandRole.Immediate, PtxType.Predicate));
        Add("mov.b32", &Pack32, To("b32"), new(OperandRole.SourceVector, Type("b16"), 2));
        Add("mov.b32", &Unpack32, new(OperandRole.DestinationVector, Type("b16"), 2), From("b32"));
        Add("mov.b64", &Pack64, To("b64"), new(OperandRole.SourceVector, Type("b32"), 2));
        Add("mov.b64", &Unpack64, new(OperandRole.DestinationVector, Type("b32"), 2), From("b64"));
        Add("cvta.to.global.u64", &Lane.Vector<ulong, Itself<ulong>>, To("u64"), From("u64"));
        Add("cvta.global.u64", &Lane.Vector<ulong, Itself<ulong>>, To("u64"), new(OperandRole.Anything, Type("u64")));
        Add("cvta.to.shared.u64", &Lane.Map<ulong, ulong, OutOfWindow>, To("u64"), From("u64"));
        Add("cvta.shared.u64", &Lane.Map<ulong, ulong, IntoWindow>, To("u64"), new(OperandRole.Anything, Type("u64")));
    }

    private static void AddIntegerSources<T, TRegister>(string source)
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
    {
        AddInteger<T, TRegister, byte, uint>("u8", source);
        AddInteger<T, TRegister, sbyte, uint>("s8", source);
        AddInteger<T, TRegister, ushort, uint>("u16", source);
        AddInteger<T, TRegister, short, uint>("s16", source);
        AddInteger<T, TRegister, uint, uint>("u32", source);
        AddInteger<T, TRegister, int, uint>("s32", source);
        AddInteger<T, TRegister, ulong, ulong>("u64", source);
        AddInteger<T, TRegister, long, ulong>("s64", source);
        OperandRule from = Loose(source);
        Add($"cvt.rn.f16.{source}", &Lane.Map<TRegister, uint, ToHalf<T, TRegister>>, To("b16"), from);
        Add($"cvt.rn.f32.{source}", &Lane.Map<TRegister, float, ToFloat<T, TRegister, float>>, To("f32"), from);
        Add($"cvt.rn.f64.{source}", &Lane.Map<TRegister, double, ToFloat<T, TRegister, double>>, To("f64"), from);
        AddFromFloat<T, TRegister>(source);
    }

    private static void AddInteger<T, TRegister, TTo, TToRegister>(string target, string source)
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : unmanaged, IBinaryInteger<TRegister>
        where TTo : unmanaged, IBinaryInteger<TTo>
        where TToRegister : unmanaged, IBinaryInteger<TToRegister>
    {
        OperandRule to = new(OperandRole.Destination, Type(target), IsWide: true);
        Add($"cvt.{target}.{source}", &Lane.Map<TRegister, TToRegister, Convert<T, TRegister, TTo, TToRegister>>, to, Loose(source));
        Add($"cvt.sat.{target}.{source}", &Lane.Map<TRegister, TToRegister, ConvertClamped<T, TRegister, TTo, TToRegister>>, to, Loose(source));
    }

    private static OperandRule Loose(string type) => new(OperandRole.Source, Type(type), IsWide: true);

    private static void MovePredicate(Warp warp, Instruction i)
    {
        uint* d = (uint*)(warp.Registers + i.D);
        *d = (*d & ~warp.Mask) | ((*(uint*)(warp.Registers + i.P) ^ i.PFlip) & warp.Mask);
    }

    /// <summary>To a number: 0 is false, anything else is true.</summary>
    private static void SetPredicate(Warp warp, Instruction i)
    {
        uint* d = (uint*)(warp.Registers + i.D);
        *d = i.Immediate != 0 ? *d | warp.Mask : *d & ~warp.Mask;
    }

    private static void Pack32(Warp warp, Instruction i)
    {
        uint* d = (uint*)(warp.Registers + i.D), low = (uint*)(warp.Registers + i.Vector[0]), high = (uint*)(warp.Registers + i.Vector[1]);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            d[lane] = (low[lane] & 0xFFFF) | (high[lane] << 16);
        }
    }

    private static void Unpack32(Warp warp, Instruction i)
    {
        uint* a = (uint*)(warp.Registers + i.A), low = (uint*)(warp.Registers + i.Vector[0]), high = (uint*)(warp.Registers + i.Vector[1]);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint value = a[lane];
            (low[lane], high[lane]) = (value & 0xFFFF, value >> 16);
        }
    }

    private static void Pack64(Warp warp, Instruction i)
    {
        ulong* d = (ulong*)(warp.Registers + i.D);
        uint* low = (uint*)(warp.Registers + i.Vector[0]), high = (uint*)(warp.Registers + i.Vector[1]);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            d[lane] = low[lane] | ((ulong)high[lane] << 32);
        }
    }

    private static void Unpack64(Warp warp, Instruction i)
    {
        ulong* a = (ulong*)(warp.Registers + i.A);
        uint* low = (uint*)(warp.Registers + i.Vector[0]), high = (uint*)(warp.Registers + i.Vector[1]);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            (low[lane], high[lane]) = ((uint)a[lane], (uint)(a[lane] >> 32));
        }
    }

    private readonly struct Itself<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => a;
    }

    private readonly struct IntoWindow : IScalar1<ulong, ulong>
    {
        public static ulong Of(ulong a) => a + SharedMemory.Window;
    }

    private readonly struct OutOfWindow : IScalar1<ulong, ulong>
    {
        public static ulong Of(ulong a) => a - SharedMemory.Window;
    }

    private readonly struct Convert<T, TRegister, TTo, TToRegister> : IScalar1<TRegister, TToRegister>
        where T : IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TTo : IBinaryInteger<TTo>
        where TToRegister : IBinaryInteger<TToRegister>
    {
        public static TToRegister Of(TRegister a) => TToRegister.CreateTruncating(TTo.CreateTruncating(T.CreateTruncating(a)));
    }

    private readonly struct ConvertClamped<T, TRegister, TTo, TToRegister> : IScalar1<TRegister, TToRegister>
        where T : IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TTo : IBinaryInteger<TTo>
        where TToRegister : IBinaryInteger<TToRegister>
    {
        public static TToRegister Of(TRegister a) => TToRegister.CreateTruncating(TTo.CreateSaturating(T.CreateTruncating(a)));
    }

    private readonly struct ToFloat<T, TRegister, TFloat> : IScalar1<TRegister, TFloat>
        where T : IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
        where TFloat : IFloatingPoint<TFloat>
    {
        public static TFloat Of(TRegister a) => TFloat.CreateTruncating(T.CreateTruncating(a));
    }

    private readonly struct ToHalf<T, TRegister> : IScalar1<TRegister, uint>
        where T : IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
    {
        public static uint Of(TRegister a) => BitConverter.HalfToUInt16Bits(Half.CreateTruncating(T.CreateTruncating(a)));
    }
}
