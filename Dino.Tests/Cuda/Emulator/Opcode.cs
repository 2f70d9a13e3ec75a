namespace Dino.Tests.Cuda.Emulator;

/// <summary>What an operand has to be.</summary>
internal enum OperandRole
{
    Destination,

    /// <summary>A predicate, or two of them.</summary>
    DestinationPredicates,

    /// <summary>A register, and a predicate if a second is given.</summary>
    DestinationAndPredicate,
    Source,

    /// <summary>A predicate that may be negated.</summary>
    SourcePredicate,
    DestinationVector,
    SourceVector,
    Address,
    SourceAddress,
    Immediate,
    Label,

    /// <summary>The lanes that take part.</summary>
    Members,

    /// <summary>The source of a move: registers, numbers, addresses of variables, special registers.</summary>
    Anything,
}

/// <summary>An operand of an opcode.</summary>
/// <param name="Count">Elements of a vector, or the value that a number must have; 1 takes any.</param>
/// <param name="IsWide">Whether wider registers are taken.</param>
internal readonly record struct OperandRule(OperandRole Role, PtxType Type, int Count = 1, bool IsWide = false, PtxSpace Space = PtxSpace.Generic);

/// <summary>An instruction that exists, by its full name, and what it takes.</summary>
/// <param name="Optional">How many operands at the end may be missing.</param>
internal sealed record Opcode(string Name, nint Run, InstructionKind Kind, OperandRule[] Operands, int Optional = 0);

/// <summary>All instructions that exist. Names are compared whole: a modifier that nobody has thought of is an error.</summary>
internal static unsafe partial class Opcodes
{
    private static readonly Dictionary<string, List<Opcode>> s_table = [];

    static Opcodes()
    {
        AddInteger();
        AddBits();
        AddFloat();
        AddApproximate();
        AddComparisons();
        AddConversions();
        AddMemory();
        AddAtomics();
        AddControl();
        AddWarp();
        AddMatrix();
    }

    /// <summary>The forms of an instruction; they differ in their operands.</summary>
    public static IReadOnlyList<Opcode>? Find(string name) => s_table.GetValueOrDefault(name);

    private static void Add(string name, delegate*<Warp, Instruction, void> run, params OperandRule[] operands) =>
        Add(new Opcode(name, (nint)run, InstructionKind.Plain, operands));

    private static void Add(Opcode opcode)
    {
        if (!s_table.TryGetValue(opcode.Name, out List<Opcode>? forms))
            s_table[opcode.Name] = forms = [];
        forms.Add(opcode);
    }

    private static OperandRule To(PtxType type) => new(OperandRole.Destination, type);

    private static OperandRule To(string type) => To(Type(type));

    private static OperandRule From(PtxType type) => new(OperandRole.Source, type);

    private static OperandRule From(string type) => From(Type(type));

    private static OperandRule Predicate() => new(OperandRole.SourcePredicate, PtxType.Predicate);

    private static PtxType Type(string name) => PtxType.Of(name)!.Value;
}
