namespace Dino.Tests.Cuda.Emulator;

/// <summary>Decodes the statements of a kernel: looks instructions up, checks operands against them, and gives every value a place.</summary>
internal sealed unsafe partial class PtxAssembler
{
    /// <summary>Bytes of a register file that 32 lanes of 4 bytes take. Predicates are one bit a lane, and still take a vector.</summary>
    private const int NarrowBytes = 128, PredicateBytes = 32;

    private readonly PtxKernel _kernel;
    private readonly Dictionary<PtxRegister, int> _places = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<PtxRegister> _written = new(ReferenceEqualityComparer.Instance);
    private readonly List<(PtxRegister Register, PtxStatement Statement)> _read = [];
    private readonly Dictionary<(int Bits, ulong Value, string Variable), ConstantRegister> _constants = [];
    private readonly Dictionary<string, SpecialRegister> _specials = [];
    private readonly Dictionary<string, (PtxSpace Space, ulong Address, PtxVariable? Variable)> _symbols = [];
    private readonly int _staticSharedBytes;
    private int _bytes = PredicateBytes;

    private PtxAssembler(PtxModule module, PtxKernel kernel)
    {
        _kernel = kernel;
        int shared = 0;
        // Those of the kernel come first; what a launch adds follows all of them.
        foreach (PtxVariable variable in kernel.Variables.Concat(module.Variables.Where(variable => variable.Space == PtxSpace.Shared)).OrderBy(variable => variable.IsExtern))
        {
            shared = (shared + variable.Alignment - 1) / variable.Alignment * variable.Alignment;
            _symbols[variable.Name] = (PtxSpace.Shared, (ulong)shared, null);
            if (!variable.IsExtern)
                shared += variable.Bytes;
        }

        _staticSharedBytes = shared;
        foreach (PtxVariable variable in module.Variables.Where(variable => variable.Space != PtxSpace.Shared))
            _symbols[variable.Name] = (variable.Space, 0, variable);
        foreach (PtxVariable parameter in kernel.Parameters)
            _symbols[parameter.Name] = (PtxSpace.Parameter, (ulong)BitConverter.ToInt32(parameter.Data!), null);
    }

    public static KernelProgram Assemble(PtxModule module, PtxKernel kernel) => new PtxAssembler(module, kernel).Assemble();

    private KernelProgram Assemble()
    {
        Instruction[] code = [.. _kernel.Statements.Select(Decode)];
        if (code.Length == 0 || code[^1] is not { Kind: InstructionKind.Exit or InstructionKind.Branch, Guard: < 0 })
            throw new PtxException(_kernel.Line, $"kernel {_kernel.Name} does not end in ret.");
        foreach ((PtxRegister register, PtxStatement statement) in _read)
        {
            if (!_written.Contains(register))
                throw new PtxException(statement.Line, $"'{statement.Text}' reads {register.Name}, which nothing writes.");
        }

        return new()
        {
            Name = _kernel.Name,
            Code = code,
            Constants = [.. _constants.Values],
            Specials = [.. _specials.Values],
            RegisterBytes = _bytes,
            Registers = _places.Keys.Sum(register => register.Type.Kind == PtxKind.Predicate ? 0 : Math.Max(1, register.Type.Bits / 32)),
            ParameterBytes = _kernel.ParameterBytes,
            StaticSharedBytes = _staticSharedBytes,
            MaxThreads = _kernel.MaxThreads,
            HasAsynchronousCopies = _kernel.Statements.Any(statement => statement.Opcode.StartsWith("cp.async.", StringComparison.Ordinal)),
        };
    }

    private Instruction Decode(PtxStatement statement, int index)
    {
        IReadOnlyList<Opcode> forms = Opcodes.Find(statement.Opcode) ?? throw new PtxException(statement.Line, $"there is no instruction '{statement.Opcode}'.");
        string? error = null;
        foreach (Opcode opcode in forms)
        {
            if (TryDecode(statement, index, opcode, ref error) is { } instruction)
                return instruction;
        }

        throw new PtxException(statement.Line, error!);
    }

    private Instruction? TryDecode(PtxStatement statement, int index, Opcode opcode, ref string? error)
    {
        int count = statement.Operands.Length;
        if (count > opcode.Operands.Length || count < opcode.Operands.Length - opcode.Optional)
        {
            error ??= $"'{statement.Text}' has {count} operands, {opcode.Name} takes {opcode.Operands.Length}.";
            return null;
        }

        Instruction instruction = new() { Run = (delegate*<Warp, Instruction, void>)opcode.Run, Kind = opcode.Kind, Index = index, Statement = statement };
        if (statement.Guard is { } guard)
        {
            instruction.Guard = Read(guard, statement);
            instruction.GuardFlip = statement.IsGuardNegated ? uint.MaxValue : 0;
        }

        // What has no list of lanes is for all of them.
        if (opcode.Kind == InstructionKind.Sync)
            instruction.Members = Constant(32, uint.MaxValue);
        List<int> vector = [];
        int next = 0;
        for (int n = 0; n < count; n++)
        {
            if (TryDecode(statement.Operands[n], opcode.Operands[n], instruction, vector, ref next))
                continue;
            error ??= $"operand {n + 1} of '{statement.Text}' is not what {opcode.Name} takes there.";
            return null;
        }

        instruction.Vector = [.. vector];
        return instruction;
    }

    private bool TryDecode(PtxOperand operand, OperandRule rule, Instruction instruction, List<int> vector, ref int next)
    {
        PtxStatement statement = instruction.Statement;
        int place;
        switch (rule.Role)
        {
            case OperandRole.Destination when TryWrite(operand, rule, statement, out place):
                instruction.D = place;
                return true;
            case OperandRole.DestinationAndPredicate:
                if (operand is PtxOperand.Pair pair)
                {
                    if (!rule.Type.Takes(pair.First.Type, false) || pair.Second.Type.Kind != PtxKind.Predicate)
                        return false;
                    (instruction.D, instruction.Q) = (Write(pair.First), Write(pair.Second));
                    return true;
                }

                instruction.D = TryWrite(operand, rule, statement, out place) ? place : -1;
                return instruction.D >= 0;
            case OperandRole.DestinationPredicates:
                if (operand is PtxOperand.Pair { First.Type.Kind: PtxKind.Predicate, Second.Type.Kind: PtxKind.Predicate } both)
                {
                    (instruction.D, instruction.Q) = (Write(both.First), Write(both.Second));
                    return true;
                }

                instruction.D = TryWrite(operand, rule, statement, out place) ? place : -1;
                return instruction.D >= 0;
            case OperandRole.Source when TryRead(operand, rule, statement, out place):
                Put(instruction, ref next, place);
                return true;
            case OperandRole.Anything when TryRead(operand, rule, statement, out place) || TryPlace(operand, rule, out place):
                Put(instruction, ref next, place);
                return true;
            case OperandRole.Members when TryRead(operand, rule, statement, out place):
                instruction.Members = place;
                return true;
            case OperandRole.SourcePredicate when operand is PtxOperand.Register { Value.Type.Kind: PtxKind.Predicate } predicate:
                instruction.P = Read(predicate.Value, statement);
                instruction.PFlip = predicate.IsNegated ? uint.MaxValue : 0;
                return true;
            case OperandRole.DestinationVector when rule.Count == 1 && TryWrite(operand, rule, statement, out place):
            case OperandRole.SourceVector when rule.Count == 1 && TryRead(operand, rule, statement, out place):
                vector.Add(place);
                return true;
            case OperandRole.DestinationVector when operand is PtxOperand.Vector { Elements: var elements } && elements.Length == rule.Count:
                foreach (PtxOperand element in elements)
                {
                    if (!TryWrite(element, rule, statement, out place))
                        return false;
                    vector.Add(place);
                }

                return true;
            case OperandRole.SourceVector when operand is PtxOperand.Vector { Elements: var elements } && elements.Length == rule.Count:
                foreach (PtxOperand element in elements)
                {
                    if (!TryRead(element, rule, statement, out place))
                        return false;
                    vector.Add(place);
                }

                return true;
            case OperandRole.Address:
                return operand is PtxOperand.Memory memory && TryAddress(memory, rule, statement, out instruction.Address, out instruction.IsAddressWide, out instruction.Offset);
            case OperandRole.SourceAddress:
                return operand is PtxOperand.Memory source && TryAddress(source, rule, statement, out instruction.Source, out instruction.IsSourceWide, out instruction.SourceOffset);
            case OperandRole.Immediate when rule.Type == PtxType.Predicate && operand is PtxOperand.Integer { Value: var flag }:
                instruction.Immediate = (int)flag;
                return flag is 0 or 1 or -1;
            case OperandRole.Immediate when operand is PtxOperand.Integer { Value: >= 0 and <= int.MaxValue } number && (rule.Count == 1 || rule.Count == number.Value):
                if (instruction.Immediates++ == 0)
                    instruction.Immediate = (int)number.Value;
                else
                    instruction.Immediate2 = (int)number.Value;
                return true;
            case OperandRole.Label when operand is PtxOperand.Symbol label && _kernel.Labels.TryGetValue(label.Name, out int target):
                instruction.Target = target;
                return target < _kernel.Statements.Count;
            default:
                return false;
        }
    }
}
