namespace Dino.Tests.Cuda.Emulator;

/// <summary>Kind of a fundamental type: bits take any of their size, signed and unsigned take each other, floats only floats.</summary>
internal enum PtxKind
{
    Predicate,
    Bits,
    Unsigned,
    Signed,
    Float,
}

internal readonly record struct PtxType(PtxKind Kind, int Bits)
{
    public static PtxType Predicate { get; } = new(PtxKind.Predicate, 1);

    public static PtxType? Of(string name)
    {
        if (name == "pred")
            return Predicate;
        if (name.Length < 2 || !int.TryParse(name.AsSpan(1), out int bits) || bits is not (8 or 16 or 32 or 64))
            return null;
        return name[0] switch
        {
            'b' => new(PtxKind.Bits, bits),
            'u' => new(PtxKind.Unsigned, bits),
            's' => new(PtxKind.Signed, bits),
            'f' when bits >= 16 => new(PtxKind.Float, bits),
            _ => null,
        };
    }

    /// <summary>Whether an instruction of this type takes a register of another one.</summary>
    /// <param name="isWide">Loads, stores and conversions take wider integer registers too.</param>
    public bool Takes(PtxType register, bool isWide)
    {
        if (Kind == PtxKind.Predicate || register.Kind == PtxKind.Predicate)
            return Kind == register.Kind;
        if (Bits != register.Bits && !(isWide && register.Bits > Bits && Kind != PtxKind.Float && register.Kind != PtxKind.Float))
            return false;
        return Kind == PtxKind.Bits || register.Kind == PtxKind.Bits || (Kind == PtxKind.Float) == (register.Kind == PtxKind.Float);
    }

    public override string ToString() => Kind == PtxKind.Predicate ? "pred" : $"{"?busf"[(int)Kind]}{Bits}";
}

internal sealed record PtxRegister(string Name, PtxType Type);

internal enum PtxSpace
{
    Generic,
    Global,
    Shared,
    Parameter,
    Constant,
}

/// <summary>A variable of a module or of a kernel.</summary>
/// <param name="Data">What it starts as; null where nothing says so.</param>
internal sealed record PtxVariable(string Name, PtxSpace Space, int Alignment, int Bytes, byte[]? Data, bool IsExtern);

/// <summary>An operand as written.</summary>
internal abstract record PtxOperand
{
    internal sealed record Register(PtxRegister Value, bool IsNegated) : PtxOperand;

    internal sealed record Special(string Name) : PtxOperand;

    internal sealed record Integer(long Value) : PtxOperand;

    /// <summary>A floating-point number by its bits, 32 or 64 of them.</summary>
    internal sealed record Number(ulong Bits, int Size) : PtxOperand;

    internal sealed record Symbol(string Name) : PtxOperand;

    internal sealed record Memory(PtxOperand Base, long Offset) : PtxOperand;

    internal sealed record Vector(PtxOperand[] Elements) : PtxOperand;

    internal sealed record Pair(PtxRegister First, PtxRegister Second) : PtxOperand;
}

/// <summary>An instruction as written.</summary>
internal sealed record PtxStatement(int Line, PtxRegister? Guard, bool IsGuardNegated, string Opcode, PtxOperand[] Operands, string Text);

/// <summary>A kernel as written.</summary>
/// <param name="Labels">Index of the statement that follows each label.</param>
internal sealed record PtxKernel(
    string Name, int Line, PtxVariable[] Parameters, int ParameterBytes, int? MaxThreads, List<PtxStatement> Statements, Dictionary<string, int> Labels, List<PtxVariable> Variables);

/// <summary>A file of PTX as written.</summary>
internal sealed record PtxModule(List<PtxVariable> Variables, List<PtxKernel> Kernels);
