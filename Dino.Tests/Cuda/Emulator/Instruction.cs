namespace Dino.Tests.Cuda.Emulator;

/// <summary>What an instruction does to the flow of a warp.</summary>
internal enum InstructionKind
{
    /// <summary>Goes on with the next one.</summary>
    Plain,
    Branch,
    Exit,

    /// <summary>Waits for other warps.</summary>
    Barrier,

    /// <summary>Waits for lanes of the warp.</summary>
    Sync,
}

/// <summary>A decoded instruction. Operands are places in the register file of a warp, constants too.</summary>
internal sealed unsafe class Instruction
{
    public required delegate*<Warp, Instruction, void> Run { get; init; }

    public required InstructionKind Kind { get; init; }

    public required int Index { get; init; }

    public required PtxStatement Statement { get; init; }

    /// <summary>Place of the predicate that guards it; below 0 if none does.</summary>
    public int Guard = -1;

    /// <summary>All ones where the guard is negated.</summary>
    public uint GuardFlip;

    /// <summary>The first places: the destination and up to four sources.</summary>
    public int D, A, B, C, E;

    /// <summary>A second destination predicate, or a place that nobody reads.</summary>
    public int Q;

    /// <summary>Place of a source predicate, and all ones where it is negated.</summary>
    public int P;
    public uint PFlip;

    /// <summary>Places of the elements of vectors, in the order of the operands.</summary>
    public int[] Vector = [];

    /// <summary>Address: its register, whether that has 64 bits, and what is added to it.</summary>
    public int Address;
    public bool IsAddressWide;
    public long Offset;

    /// <summary>A second address, of the source of a copy.</summary>
    public int Source;
    public bool IsSourceWide;
    public long SourceOffset;

    /// <summary>Numbers that have to be written out in the instruction.</summary>
    public int Immediate, Immediate2, Immediates;

    /// <summary>Which lanes take part in what they do together.</summary>
    public int Members;

    /// <summary>Where a branch leads.</summary>
    public int Target;

    public override string ToString() => $"line {Statement.Line}: {Statement.Text}";
}
