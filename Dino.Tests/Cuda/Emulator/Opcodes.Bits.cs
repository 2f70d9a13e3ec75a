using System.Numerics;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Bits: logic, shifts, counting, and picking bytes.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddBits()
    {
        foreach (string bits in (string[])["b16", "b32"])
        {
            Same("and." + bits, 2, &Lane.Vector2<uint, AndOf<uint>>);
            Same("or." + bits, 2, &Lane.Vector2<uint, OrOf<uint>>);
            Same("xor." + bits, 2, &Lane.Vector2<uint, XorOf<uint>>);
            Same("not." + bits, 1, &Lane.Vector<uint, NotOf<uint>>);
        }

        Same("and.b64", 2, &Lane.Vector2<ulong, AndOf<ulong>>);
        Same("or.b64", 2, &Lane.Vector2<ulong, OrOf<ulong>>);
        Same("xor.b64", 2, &Lane.Vector2<ulong, XorOf<ulong>>);
        Same("not.b64", 1, &Lane.Vector<ulong, NotOf<ulong>>);
        Add("and.pred", &Predicates<AndBoth>, To("pred"), Predicate(), From("pred"));
        Add("or.pred", &Predicates<OrBoth>, To("pred"), Predicate(), From("pred"));
        Add("xor.pred", &Predicates<XorBoth>, To("pred"), Predicate(), From("pred"));
        Add("not.pred", &NotPredicate, To("pred"), Predicate());
        AddShift("shl.b16", &Lane.Map2<uint, uint, uint, ShiftLeft<ushort, uint>>);
        AddShift("shl.b32", &Lane.Map2<uint, uint, uint, ShiftLeft<uint, uint>>);
        AddShift("shl.b64", &Lane.Map2<ulong, uint, ulong, ShiftLeft<ulong, ulong>>);
        foreach (string kind in (string[])["b", "u"])
        {
            AddShift($"shr.{kind}16", &Lane.Map2<uint, uint, uint, ShiftRight<ushort, uint>>);
            AddShift($"shr.{kind}32", &Lane.Map2<uint, uint, uint, ShiftRight<uint, uint>>);
            AddShift($"shr.{kind}64", &Lane.Map2<ulong, uint, ulong, ShiftRight<ulong, ulong>>);
        }

        AddShift("shr.s16", &Lane.Map2<uint, uint, uint, ShiftRight<short, uint>>);
        AddShift("shr.s32", &Lane.Map2<int, uint, int, ShiftRight<int, int>>);
        AddShift("shr.s64", &Lane.Map2<long, uint, long, ShiftRight<long, long>>);
        Funnel("shf.l.wrap.b32", &Lane.Map3<uint, uint, uint, uint, FunnelLeft>);
        Funnel("shf.l.clamp.b32", &Lane.Map3<uint, uint, uint, uint, FunnelLeftClamp>);
        Funnel("shf.r.wrap.b32", &Lane.Map3<uint, uint, uint, uint, FunnelRight>);
        Funnel("shf.r.clamp.b32", &Lane.Map3<uint, uint, uint, uint, FunnelRightClamp>);
        Add("popc.b32", &Lane.Map<uint, uint, Population>, To("u32"), From("b32"));
        Add("popc.b64", &Lane.Map<ulong, uint, Population>, To("u32"), From("b64"));
        Add("clz.b32", &Lane.Map<uint, uint, LeadingZeros>, To("u32"), From("b32"));
        Add("clz.b64", &Lane.Map<ulong, uint, LeadingZeros>, To("u32"), From("b64"));
        Add("bfind.u32", &Lane.Map<uint, uint, HighestBit>, To("u32"), From("u32"));
        Same("brev.b32", 1, &Lane.Map<uint, uint, Reversed>);
        Same("brev.b64", 1, &Lane.Map<ulong, ulong, Reversed>);
        Add("bfe.u32", &Lane.Map3<uint, uint, uint, uint, Field>, To("u32"), From("u32"), From("u32"), From("u32"));
        Add("bfe.s32", &Lane.Map3<uint, uint, uint, uint, SignedField>, To("s32"), From("s32"), From("u32"), From("u32"));
        Add("bfe.u64", &Lane.Map3<ulong, uint, uint, ulong, Field>, To("u64"), From("u64"), From("u32"), From("u32"));
        Add("bfi.b32", &InsertField, To("b32"), From("b32"), From("b32"), From("u32"), From("u32"));
        Add("prmt.b32", &Lane.Map3<uint, uint, uint, uint, PickBytes>, To("b32"), From("b32"), From("b32"), From("b32"));
        Add("lop3.b32", &AnyLogic, To("b32"), From("b32"), From("b32"), From("b32"), new(OperandRole.Immediate, Type("u32")));
    }

    private static void AddShift(string name, delegate*<Warp, Instruction, void> run)
    {
        PtxType type = Type(name[(name.LastIndexOf('.') + 1)..]);
        Add(name, run, To(type), From(type), From("u32"));
    }

    private static void Funnel(string name, delegate*<Warp, Instruction, void> run) => Add(name, run, To("b32"), From("b32"), From("b32"), From("u32"));

    private static void Predicates<TOp>(Warp warp, Instruction i)
        where TOp : struct, IScalar2<uint, uint, uint>
    {
        byte* r = warp.Registers;
        uint* d = (uint*)(r + i.D);
        uint value = TOp.Of(*(uint*)(r + i.P) ^ i.PFlip, *(uint*)(r + i.A));
        *d = (*d & ~warp.Mask) | (value & warp.Mask);
    }

    private static void NotPredicate(Warp warp, Instruction i)
    {
        uint* d = (uint*)(warp.Registers + i.D);
        uint value = ~(*(uint*)(warp.Registers + i.P) ^ i.PFlip);
        *d = (*d & ~warp.Mask) | (value & warp.Mask);
    }

    /// <summary>Puts the low bits of a into b; position and length are the last two operands.</summary>
    private static void InsertField(Warp warp, Instruction i)
    {
        byte* r = warp.Registers;
        uint* d = (uint*)(r + i.D), a = (uint*)(r + i.A), b = (uint*)(r + i.B), position = (uint*)(r + i.C), length = (uint*)(r + i.E);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((warp.Mask >> lane & 1) == 0)
                continue;
            int at = (int)(position[lane] & 255), count = (int)(length[lane] & 255);
            ulong field = at > 31 ? 0 : (uint)(((count > 31 ? 1UL << 32 : 1UL << count) - 1) << at);
            d[lane] = (uint)((b[lane] & ~field) | ((at > 31 ? 0 : a[lane] << at) & field));
        }
    }

    /// <summary>Any function of three bits: the immediate is its table.</summary>
    private static void AnyLogic(Warp warp, Instruction i)
    {
        byte* r = warp.Registers;
        uint* d = (uint*)(r + i.D), a = (uint*)(r + i.A), b = (uint*)(r + i.B), c = (uint*)(r + i.C);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            uint value = 0;
            for (int row = 0; row < 8; row++)
            {
                if ((i.Immediate >> row & 1) != 0)
                    value |= ((row & 4) != 0 ? a[lane] : ~a[lane]) & ((row & 2) != 0 ? b[lane] : ~b[lane]) & ((row & 1) != 0 ? c[lane] : ~c[lane]);
            }

            if ((warp.Mask >> lane & 1) != 0)
                d[lane] = value;
        }
    }

    private readonly struct AndOf<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a & b;
    }

    private readonly struct OrOf<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a | b;
    }

    private readonly struct XorOf<T> : IVector2<T>
    {
        public static Vector256<T> Of(Vector256<T> a, Vector256<T> b) => a ^ b;
    }

    private readonly struct NotOf<T> : IVector1<T>
    {
        public static Vector256<T> Of(Vector256<T> a) => ~a;
    }

    private readonly struct AndBoth : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a & b;
    }

    private readonly struct OrBoth : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a | b;
    }

    private readonly struct XorBoth : IScalar2<uint, uint, uint>
    {
        public static uint Of(uint a, uint b) => a ^ b;
    }

    /// <summary>By as many bits as there are, or more, leaves nothing.</summary>
    private readonly struct ShiftLeft<T, TRegister> : IScalar2<TRegister, uint, TRegister>
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
    {
        public static TRegister Of(TRegister a, uint b) => b >= sizeof(T) * 8 ? TRegister.Zero : a << (int)b;
    }

    /// <summary>By as many bits as there are, or more, leaves the sign.</summary>
    private readonly struct ShiftRight<T, TRegister> : IScalar2<TRegister, uint, TRegister>
        where T : unmanaged, IBinaryInteger<T>
        where TRegister : IBinaryInteger<TRegister>
    {
        public static TRegister Of(TRegister a, uint b)
        {
            T value = T.CreateTruncating(a);
            int bits = sizeof(T) * 8;
            return TRegister.CreateTruncating(b < bits ? value >> (int)b : T.IsNegative(value) ? value >> (bits - 1) : T.Zero);
        }
    }

    private readonly struct FunnelLeft : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint low, uint high, uint count) => (uint)(((((ulong)high << 32) | low) << (int)(count & 31)) >> 32);
    }

    private readonly struct FunnelLeftClamp : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint low, uint high, uint count) => count >= 32 ? low : FunnelLeft.Of(low, high, count);
    }

    private readonly struct FunnelRight : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint low, uint high, uint count) => (uint)((((ulong)high << 32) | low) >> (int)(count & 31));
    }

    private readonly struct FunnelRightClamp : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint low, uint high, uint count) => count >= 32 ? high : FunnelRight.Of(low, high, count);
    }

    private readonly struct Population : IScalar1<uint, uint>, IScalar1<ulong, uint>
    {
        public static uint Of(uint a) => (uint)BitOperations.PopCount(a);

        public static uint Of(ulong a) => (uint)BitOperations.PopCount(a);
    }

    private readonly struct LeadingZeros : IScalar1<uint, uint>, IScalar1<ulong, uint>
    {
        public static uint Of(uint a) => (uint)BitOperations.LeadingZeroCount(a);

        public static uint Of(ulong a) => (uint)BitOperations.LeadingZeroCount(a);
    }

    private readonly struct HighestBit : IScalar1<uint, uint>
    {
        public static uint Of(uint a) => a == 0 ? uint.MaxValue : (uint)BitOperations.Log2(a);
    }

    private readonly struct Reversed : IScalar1<uint, uint>, IScalar1<ulong, ulong>
    {
        public static uint Of(uint a) => (uint)(Of((ulong)a) >> 32);

        public static ulong Of(ulong a)
        {
            a = ((a >> 1) & 0x5555555555555555) | ((a & 0x5555555555555555) << 1);
            a = ((a >> 2) & 0x3333333333333333) | ((a & 0x3333333333333333) << 2);
            a = ((a >> 4) & 0x0F0F0F0F0F0F0F0F) | ((a & 0x0F0F0F0F0F0F0F0F) << 4);
            return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(a);
        }
    }

    private readonly struct Field : IScalar3<uint, uint, uint, uint>, IScalar3<ulong, uint, uint, ulong>
    {
        public static uint Of(uint a, uint position, uint length) => (uint)Of((ulong)a, position, length);

        public static ulong Of(ulong a, uint position, uint length)
        {
            (position, length) = (position & 255, length & 255);
            ulong shifted = position > 63 ? 0 : a >> (int)position;
            return length > 63 ? shifted : shifted & ((1UL << (int)length) - 1);
        }
    }

    /// <summary>A field with its highest bit repeated above it; beyond the number, its sign.</summary>
    private readonly struct SignedField : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint position, uint length)
        {
            int count = (int)Math.Min(length & 255, 32);
            if (count == 0)
                return 0;
            long shifted = (long)(int)a >> (int)Math.Min(position & 255, 63);
            return (uint)(shifted << (64 - count) >> (64 - count));
        }
    }

    /// <summary>Bytes of two registers by number; the high bit of a number asks for the sign of the byte instead.</summary>
    private readonly struct PickBytes : IScalar3<uint, uint, uint, uint>
    {
        public static uint Of(uint a, uint b, uint selector)
        {
            ulong both = a | ((ulong)b << 32);
            uint value = 0;
            for (int n = 0; n < 4; n++)
            {
                uint pick = selector >> (4 * n) & 15;
                uint found = (uint)(both >> (int)(8 * (pick & 7))) & 255;
                if ((pick & 8) != 0)
                    found = (found & 128) != 0 ? 255u : 0;
                value |= found << (8 * n);
            }

            return value;
        }
    }
}
