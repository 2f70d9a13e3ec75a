using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>What the lanes of a warp do together. The lanes that the instruction names have all arrived when it runs.</summary>
internal static unsafe partial class Opcodes
{
    private static OperandRule Members => new(OperandRole.Members, Type("b32"));

    private static void AddWarp()
    {
        AddShuffle<ShuffleUp>("up");
        AddShuffle<ShuffleDown>("down");
        AddShuffle<ShuffleXor>("bfly");
        AddShuffle<ShuffleIndex>("idx");
        Sync("vote.sync.ballot.b32", &Ballot, To("b32"), Predicate(), Members);
        Sync("vote.sync.any.pred", &VoteAny, To("pred"), Predicate(), Members);
        Sync("vote.sync.all.pred", &VoteAll, To("pred"), Predicate(), Members);
        Sync("vote.sync.uni.pred", &VoteUniform, To("pred"), Predicate(), Members);
        Sync("match.any.sync.b32", &MatchAny, To("b32"), From("b32"), Members);
        Sync("bar.warp.sync", &Nothing, Members);
        Sync("redux.sync.add.u32", &ReduceWarp<uint, SumOf<uint>>, To("u32"), From("u32"), Members);
        Sync("redux.sync.add.s32", &ReduceWarp<int, SumOf<int>>, To("s32"), From("s32"), Members);
        Sync("redux.sync.min.u32", &ReduceWarp<uint, SmallerScalar<uint>>, To("u32"), From("u32"), Members);
        Sync("redux.sync.min.s32", &ReduceWarp<int, SmallerScalar<int>>, To("s32"), From("s32"), Members);
        Sync("redux.sync.max.u32", &ReduceWarp<uint, LargerScalar<uint>>, To("u32"), From("u32"), Members);
        Sync("redux.sync.max.s32", &ReduceWarp<int, LargerScalar<int>>, To("s32"), From("s32"), Members);
        Sync("redux.sync.and.b32", &ReduceWarp<uint, AndBoth>, To("b32"), From("b32"), Members);
        Sync("redux.sync.or.b32", &ReduceWarp<uint, OrBoth>, To("b32"), From("b32"), Members);
        Add("activemask.b32", &ActiveMask, To("b32"));
    }

    private static void Sync(string name, delegate*<Warp, Instruction, void> run, params OperandRule[] operands) =>
        Add(new Opcode(name, (nint)run, InstructionKind.Sync, operands));

    private static void AddShuffle<TShuffle>(string mode)
        where TShuffle : struct, IShuffle =>
        Sync($"shfl.sync.{mode}.b32", &Shuffle<TShuffle>, new(OperandRole.DestinationAndPredicate, Type("b32")), From("b32"), From("b32"), From("b32"), Members);

    private static void Shuffle<TShuffle>(Warp warp, Instruction i)
        where TShuffle : struct, IShuffle
    {
        byte* r = warp.Registers;
        uint* d = (uint*)(r + i.D), a = (uint*)(r + i.A), b = (uint*)(r + i.B), c = (uint*)(r + i.C), q = (uint*)(r + i.Q);
        uint* values = stackalloc uint[Warp.Lanes];
        new ReadOnlySpan<uint>(a, Warp.Lanes).CopyTo(new Span<uint>(values, Warp.Lanes));
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            int segment = (int)(c[lane] >> 8 & 31), last = (lane & segment) | ((int)(c[lane] & 31) & ~segment);
            (int source, bool isInside) = TShuffle.From(lane, (int)(b[lane] & 31), segment, last);
            if (!isInside)
                source = lane;
            if ((warp.Mask >> source & 1) == 0)
                throw new KernelFault(lane, $"the value of lane {source}, which does not take part, is asked for");
            d[lane] = values[source];
            uint bit = 1u << lane;
            *q = isInside ? *q | bit : *q & ~bit;
        }
    }

    private static uint Votes(Warp warp, Instruction i) => (*(uint*)(warp.Registers + i.P) ^ i.PFlip) & warp.Mask;

    private static void Ballot(Warp warp, Instruction i)
    {
        uint votes = Votes(warp, i);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            ((uint*)(warp.Registers + i.D))[BitOperations.TrailingZeroCount(left)] = votes;
    }

    private static void VoteAny(Warp warp, Instruction i) => Give(warp, i, Votes(warp, i) != 0);

    private static void VoteAll(Warp warp, Instruction i) => Give(warp, i, Votes(warp, i) == warp.Mask);

    private static void VoteUniform(Warp warp, Instruction i) => Give(warp, i, Votes(warp, i) == warp.Mask || Votes(warp, i) == 0);

    private static void Give(Warp warp, Instruction i, bool value)
    {
        uint* d = (uint*)(warp.Registers + i.D);
        *d = (*d & ~warp.Mask) | (value ? warp.Mask : 0);
    }

    private static void MatchAny(Warp warp, Instruction i)
    {
        uint* a = (uint*)(warp.Registers + i.A), output = stackalloc uint[Warp.Lanes];
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            for (uint others = warp.Mask; others != 0; others &= others - 1)
            {
                int other = BitOperations.TrailingZeroCount(others);
                if (a[other] == a[lane])
                    output[lane] |= 1u << other;
            }
        }

        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            ((uint*)(warp.Registers + i.D))[lane] = output[lane];
        }
    }

    private static void ReduceWarp<T, TOp>(Warp warp, Instruction i)
        where T : unmanaged
        where TOp : struct, IScalar2<T, T, T>
    {
        T* a = (T*)(warp.Registers + i.A), d = (T*)(warp.Registers + i.D);
        T value = a[BitOperations.TrailingZeroCount(warp.Mask)];
        for (uint left = warp.Mask & (warp.Mask - 1); left != 0; left &= left - 1)
            value = TOp.Of(value, a[BitOperations.TrailingZeroCount(left)]);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            d[BitOperations.TrailingZeroCount(left)] = value;
    }

    private static void ActiveMask(Warp warp, Instruction i)
    {
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            ((uint*)(warp.Registers + i.D))[BitOperations.TrailingZeroCount(left)] = warp.Mask;
    }

    /// <summary>Which lane a value comes from, and whether that lies inside the segment.</summary>
    private interface IShuffle
    {
        static abstract (int Source, bool IsInside) From(int lane, int operand, int segment, int last);
    }

    private readonly struct ShuffleUp : IShuffle
    {
        public static (int Source, bool IsInside) From(int lane, int operand, int segment, int last) => (lane - operand, lane - operand >= last);
    }

    private readonly struct ShuffleDown : IShuffle
    {
        public static (int Source, bool IsInside) From(int lane, int operand, int segment, int last) => (lane + operand, lane + operand <= last);
    }

    private readonly struct ShuffleXor : IShuffle
    {
        public static (int Source, bool IsInside) From(int lane, int operand, int segment, int last) => (lane ^ operand, (lane ^ operand) <= last);
    }

    private readonly struct ShuffleIndex : IShuffle
    {
        public static (int Source, bool IsInside) From(int lane, int operand, int segment, int last)
        {
            int source = (lane & segment) | (operand & ~segment);
            return (source, source <= last);
        }
    }
}
