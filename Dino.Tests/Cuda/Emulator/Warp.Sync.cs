using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

internal sealed unsafe partial class Warp
{
    /// <summary>Predicates that the lanes brought to a barrier that reduces them.</summary>
    public uint BarrierVotes { get; private set; }

    /// <summary>Copies into shared memory under way.</summary>
    public AsynchronousCopies Copies { get; } = new();

    /// <summary>Executes an instruction that needs several lanes at once; parks the lanes if some of those are not there yet.</summary>
    private bool TrySync(Instruction instruction, ref uint active, uint mask)
    {
        int pc = instruction.Index;
        if (mask != active)
        {
            AddGroup(pc + 1, active & ~mask);
            active = mask;
        }

        for (int n = _groupCount - 1; n >= 0; n--)
        {
            if (_groups[n].State == GroupState.AtSync && _groups[n].Next == pc)
            {
                active |= _groups[n].Lanes;
                RemoveGroup(n);
            }
        }

        uint* members = (uint*)(Registers + instruction.Members);
        for (uint left = active; left != 0;)
        {
            int lane = BitOperations.TrailingZeroCount(left);
            uint needed = members[lane];
            if ((needed & (1u << lane)) == 0)
                throw new KernelFault(lane, $"the mask 0x{needed:x8} of lanes does not name the lane itself");
            if ((needed & ~Live) != 0)
                throw new KernelFault(lane, $"the mask 0x{needed:x8} names lanes that have exited: 0x{needed & ~Live:x8}");
            if ((needed & ~active) != 0)
            {
                Park(pc, active, GroupState.AtSync);
                return false;
            }

            // All that are named have to name the same lanes.
            for (uint others = needed; others != 0; others &= others - 1)
            {
                int other = BitOperations.TrailingZeroCount(others);
                if (members[other] != needed)
                    throw new KernelFault(lane, $"lane {other} names 0x{members[other]:x8}, not 0x{needed:x8}");
            }

            left &= ~needed;
        }

        for (uint left = active; left != 0; left &= ~Mask)
        {
            Mask = members[BitOperations.TrailingZeroCount(left)];
            Active = active;
            instruction.Run(this, instruction);
        }

        return true;
    }

    private void Arrive(Instruction instruction, uint mask)
    {
        BarrierName = instruction.Immediate;
        BarrierThreads = instruction.Immediate2;
        Mask = mask;
        BarrierVotes = instruction.Run is null ? 0 : *(uint*)(Registers + instruction.P) ^ instruction.PFlip;
    }

    /// <summary>Writes the outcome of a barrier that reduces.</summary>
    public void Receive(bool anyVotes, bool allVote, int count)
    {
        Instruction instruction = Current!;
        if (instruction.Run is null)
            return;
        Mask = Live;
        _block.BarrierOutcome = (anyVotes, allVote, count);
        instruction.Run(this, instruction);
    }
}
