using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Why a warp stopped running.</summary>
internal enum WarpStop
{
    Exited,
    AtBarrier,

    /// <summary>It has run for long; others get their turn.</summary>
    Paused,
}

/// <summary>
/// 32 threads. They run together as long as they agree on the next instruction; where they part, those that are furthest behind run first, until they
/// meet the others. Groups of them that wait for lanes elsewhere are parked.
/// </summary>
internal sealed unsafe partial class Warp : IDisposable
{
    public const int Lanes = 32;

    /// <summary>Jumps backwards before other warps get their turn.</summary>
    private const int Patience = 10_000;

    private readonly Block _block;
    private readonly Group[] _groups = new Group[Lanes];
    private int _groupCount;
    private nuint _capacity;

    public Warp(Block block, int index) => (_block, Index) = (block, index);

    private enum GroupState
    {
        Ready,
        AtBarrier,
        AtSync,
    }

    public int Index { get; }

    public Block Block => _block;

    /// <summary>The register file: for each place one vector of 32 lanes.</summary>
    public byte* Registers { get; private set; }

    /// <summary>Lanes that execute the running instruction.</summary>
    public uint Mask;

    /// <summary>Lanes that run together now, and all that have not exited.</summary>
    public uint Active, Live;

    /// <summary>The lanes that exist: the last warp of a block may have fewer than 32.</summary>
    public uint Existing { get; private set; }

    /// <summary>The instruction that runs or is waited at.</summary>
    public Instruction? Current { get; private set; }

    /// <summary>The barrier it waits at, and the number of threads that this takes.</summary>
    public int BarrierName { get; private set; }

    public int BarrierThreads { get; private set; }

    /// <summary>Host addresses of the running access, by lane.</summary>
    public byte** Pointers { get; } = (byte**)NativeMemory.AlignedAlloc(Lanes * 8, 64);

    /// <summary>Makes room for a kernel's registers and poisons them.</summary>
    public void Prepare(KernelProgram program, uint existing)
    {
        if (_capacity < (nuint)program.RegisterBytes)
        {
            NativeMemory.AlignedFree(Registers);
            _capacity = (nuint)program.RegisterBytes;
            Registers = (byte*)NativeMemory.AlignedAlloc(_capacity, 64);
        }

        NativeMemory.Fill(Registers, (nuint)program.RegisterBytes, 0xFF);
        Existing = existing;
    }

    /// <summary>Puts all threads before the first instruction.</summary>
    public void Start()
    {
        Live = Existing;
        _groups[0] = new(0, Existing, GroupState.Ready);
        _groupCount = 1;
        Copies.Clear();
    }

    /// <summary>Runs until all threads have exited or wait for others of the block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public WarpStop Run()
    {
        Instruction[] code = _block.Program.Code;
        int patience = Patience;
        while (Live != 0)
        {
            (int chosen, int limit) = Choose();
            if (chosen < 0)
                return AllAtBarrier() ? WarpStop.AtBarrier : throw Deadlock();
            int pc = _groups[chosen].Next;
            uint active = _groups[chosen].Lanes;
            RemoveGroup(chosen);
            while (true)
            {
                Instruction instruction = code[pc];
                uint mask = active;
                if (instruction.Guard >= 0)
                    mask &= *(uint*)(Registers + instruction.Guard) ^ instruction.GuardFlip;
                if (instruction.Kind == InstructionKind.Plain)
                {
                    if (mask != 0)
                    {
                        Current = instruction;
                        Mask = mask;
                        Active = active;
                        instruction.Run(this, instruction);
                    }

                    if (++pc >= limit)
                        break;
                    continue;
                }

                if (mask == 0)
                {
                    if (++pc >= limit)
                        break;
                    continue;
                }

                Current = instruction;
                if (mask != active && instruction.Kind != InstructionKind.Sync)
                    AddGroup(pc + 1, active & ~mask);
                if (instruction.Kind == InstructionKind.Branch)
                {
                    bool isPaused = instruction.Target <= pc && --patience < 0;
                    bool hasParted = mask != active;
                    (pc, active) = (instruction.Target, mask);
                    if (isPaused)
                    {
                        AddGroup(pc, active);
                        return WarpStop.Paused;
                    }

                    if (hasParted || pc >= limit)
                        break;
                }
                else if (instruction.Kind == InstructionKind.Exit)
                {
                    Live &= ~mask;
                    active = 0;
                    break;
                }
                else if (instruction.Kind == InstructionKind.Barrier)
                {
                    Arrive(instruction, mask);
                    Park(pc, mask, GroupState.AtBarrier);
                    active = 0;
                    break;
                }
                else if (!TrySync(instruction, ref active, mask))
                {
                    active = 0;
                    break;
                }
                else if (++pc >= limit)
                {
                    break;
                }
            }

            if (active != 0)
                AddGroup(pc, active);
        }

        return WarpStop.Exited;
    }

    /// <summary>Lets the threads go on behind the barrier where all of them wait.</summary>
    public void Release()
    {
        for (int n = 0; n < _groupCount; n++)
            _groups[n] = _groups[n] with { Next = _groups[n].Next + 1, State = GroupState.Ready };
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Registers);
        NativeMemory.AlignedFree(Pointers);
        Copies.Dispose();
        Registers = null;
    }

    /// <summary>The group furthest behind, and where it meets the next one.</summary>
    private (int Chosen, int Limit) Choose()
    {
        if (_groupCount == 1 && _groups[0].State == GroupState.Ready)
            return (0, int.MaxValue);
        int chosen = -1, limit = int.MaxValue;
        for (int n = 0; n < _groupCount; n++)
        {
            if (_groups[n].State != GroupState.Ready)
                continue;
            if (chosen < 0 || _groups[n].Next < _groups[chosen].Next)
            {
                if (chosen >= 0)
                    limit = _groups[chosen].Next;
                chosen = n;
            }
            else if (_groups[n].Next < limit)
            {
                limit = _groups[n].Next;
            }
        }

        return (chosen, limit);
    }

    private void AddGroup(int next, uint lanes)
    {
        for (int n = 0; n < _groupCount; n++)
        {
            if (_groups[n].Next == next && _groups[n].State == GroupState.Ready)
            {
                _groups[n] = _groups[n] with { Lanes = _groups[n].Lanes | lanes };
                return;
            }
        }

        _groups[_groupCount++] = new(next, lanes, GroupState.Ready);
    }

    private void Park(int pc, uint lanes, GroupState state)
    {
        for (int n = 0; n < _groupCount; n++)
        {
            if (_groups[n].Next == pc && _groups[n].State == state)
            {
                _groups[n] = _groups[n] with { Lanes = _groups[n].Lanes | lanes };
                return;
            }
        }

        _groups[_groupCount++] = new(pc, lanes, state);
    }

    private void RemoveGroup(int index) => _groups[index] = _groups[--_groupCount];

    private bool AllAtBarrier() => _groupCount == 1 && _groups[0].State == GroupState.AtBarrier && _groups[0].Lanes == Live;

    private KernelFault Deadlock()
    {
        IEnumerable<string> places = _groups.Take(_groupCount).Select(group => $"lanes 0x{group.Lanes:x8} at {_block.Program.Code[group.Next]}");
        return new(BitOperations.TrailingZeroCount(Live), $"the warp waits for ever: {string.Join("; ", places)}");
    }

    /// <summary>Threads with the same next instruction.</summary>
    private readonly record struct Group(int Next, uint Lanes, GroupState State);
}
