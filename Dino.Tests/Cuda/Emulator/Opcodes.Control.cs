using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Branches, barriers, fences, and asynchronous copies.</summary>
internal static unsafe partial class Opcodes
{
    private static void AddControl()
    {
        OperandRule number = new(OperandRole.Immediate, Type("u32"));
        Add(new Opcode("bra", 0, InstructionKind.Branch, [new(OperandRole.Label, default)]));
        Add(new Opcode("bra.uni", 0, InstructionKind.Branch, [new(OperandRole.Label, default)]));
        Add(new Opcode("ret", 0, InstructionKind.Exit, []));
        Add(new Opcode("exit", 0, InstructionKind.Exit, []));
        Add("trap", &Trap);
        Add(new Opcode("bar.sync", 0, InstructionKind.Barrier, [number, number], Optional: 1));
        Add(new Opcode("barrier.sync", 0, InstructionKind.Barrier, [number, number], Optional: 1));
        AddBarrier("bar.red.or.pred", &ReceiveAny, new(OperandRole.DestinationPredicates, PtxType.Predicate));
        AddBarrier("bar.red.and.pred", &ReceiveAll, new(OperandRole.DestinationPredicates, PtxType.Predicate));
        AddBarrier("bar.red.popc.u32", &ReceiveCount, To("u32"));
        foreach (string fence in (string[])["membar.cta", "membar.gl", "fence.acq_rel.cta", "fence.acq_rel.gpu", "fence.sc.cta", "fence.sc.gpu"])
            Add(fence, &Nothing);
        AddCopy("cp.async.ca.shared.global", 4, 8, 16);
        AddCopy("cp.async.cg.shared.global", 16);
        Add("cp.async.commit_group", &CloseGroup);
        Add("cp.async.wait_group", &WaitForGroups, number);
        Add("cp.async.wait_all", &WaitForAll);
    }

    private static void AddBarrier(string name, delegate*<Warp, Instruction, void> run, OperandRule destination) =>
        Add(new Opcode(name, (nint)run, InstructionKind.Barrier, [destination, new(OperandRole.Immediate, Type("u32")), Predicate()]));

    private static void AddCopy(string name, params ReadOnlySpan<int> sizes)
    {
        OperandRule to = new(OperandRole.Address, default, Space: PtxSpace.Shared), from = new(OperandRole.SourceAddress, default, Space: PtxSpace.Global);
        foreach (int bytes in sizes)
        {
            OperandRule size = new(OperandRole.Immediate, Type("u32"), bytes);
            Add(name, &Copy, to, from, size);
            Add(name, &CopyPart, to, from, size, From("u32"));
        }
    }

    private static void Trap(Warp warp, Instruction i) => throw new KernelFault(BitOperations.TrailingZeroCount(warp.Mask), "the kernel gives up");

    private static void Nothing(Warp warp, Instruction i)
    {
    }

    private static void ReceiveAny(Warp warp, Instruction i) => Receive(warp, i, warp.Block.BarrierOutcome.Any);

    private static void ReceiveAll(Warp warp, Instruction i) => Receive(warp, i, warp.Block.BarrierOutcome.All);

    private static void Receive(Warp warp, Instruction i, bool value)
    {
        uint* d = (uint*)(warp.Registers + i.D), q = (uint*)(warp.Registers + i.Q);
        *d = (*d & ~warp.Mask) | (value ? warp.Mask : 0);
        *q = (*q & ~warp.Mask) | (value ? 0 : warp.Mask);
    }

    private static void ReceiveCount(Warp warp, Instruction i)
    {
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            ((uint*)(warp.Registers + i.D))[BitOperations.TrailingZeroCount(left)] = (uint)warp.Block.BarrierOutcome.Count;
    }

    private static void Copy(Warp warp, Instruction i) => Copy(warp, i, null);

    private static void CopyPart(Warp warp, Instruction i) => Copy(warp, i, (uint*)(warp.Registers + i.A));

    private static void Copy(Warp warp, Instruction i, uint* sourceBytes)
    {
        int bytes = i.Immediate;
        Addresses.Compute(warp, i.Source, i.IsSourceWide, i.SourceOffset);
        long* pointers = (long*)warp.Pointers;
        // Of its source a copy reads only what it takes; an address from which nothing is taken may be any.
        uint whole = warp.Mask;
        for (uint left = warp.Mask; left != 0 && sourceBytes != null; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            if (sourceBytes[lane] > bytes)
                throw new KernelFault(lane, $"{sourceBytes[lane]} bytes of a copy of {bytes}");
            if (sourceBytes[lane] == bytes)
                continue;
            whole &= ~(1u << lane);
            if (sourceBytes[lane] > 0)
                warp.Block.Global.TranslatePart(warp, lane, bytes, (int)sourceBytes[lane]);
        }

        warp.Block.Global.Translate(i.Index, warp, whole, bytes, AccessKind.Read);
        for (uint left = warp.Mask; left != 0; left &= left - 1)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            long address = i.IsAddressWide
                ? ((long*)(warp.Registers + i.Address))[lane] + i.Offset : (uint)(((uint*)(warp.Registers + i.Address))[lane] + (int)i.Offset);
            warp.Copies.Start(warp, lane, (byte*)pointers[lane], sourceBytes == null ? bytes : (int)sourceBytes[lane], address, bytes);
        }
    }

    private static void CloseGroup(Warp warp, Instruction i)
    {
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            warp.Copies.CloseGroup(BitOperations.TrailingZeroCount(left));
    }

    private static void WaitForGroups(Warp warp, Instruction i)
    {
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            warp.Copies.Wait(warp, BitOperations.TrailingZeroCount(left), i.Immediate);
    }

    private static void WaitForAll(Warp warp, Instruction i)
    {
        for (uint left = warp.Mask; left != 0; left &= left - 1)
            warp.Copies.Wait(warp, BitOperations.TrailingZeroCount(left), -1);
    }
}
