namespace Dino.Tests.Cuda.Emulator;

/// <summary>Places of operands: registers, constants, addresses of variables and special registers.</summary>
internal sealed unsafe partial class PtxAssembler
{
    private static void Put(Instruction instruction, ref int next, int place)
    {
        switch (next++)
        {
            case 0:
                instruction.A = place;
                break;
            case 1:
                instruction.B = place;
                break;
            case 2:
                instruction.C = place;
                break;
            default:
                instruction.E = place;
                break;
        }
    }

    private bool TryWrite(PtxOperand operand, OperandRule rule, PtxStatement statement, out int place)
    {
        place = -1;
        if (operand is not PtxOperand.Register { IsNegated: false } register || !rule.Type.Takes(register.Value.Type, rule.IsWide))
            return false;
        // A wider register than the instruction's is only told apart where it takes more room.
        if (register.Value.Type.Bits == 64 != (rule.Type.Bits == 64))
            return false;
        place = Write(register.Value);
        return true;
    }

    private bool TryRead(PtxOperand operand, OperandRule rule, PtxStatement statement, out int place)
    {
        place = -1;
        switch (operand)
        {
            case PtxOperand.Register { IsNegated: false } register when rule.Type.Takes(register.Value.Type, rule.IsWide) && register.Value.Type.Bits == 64 == (rule.Type.Bits == 64):
                place = Read(register.Value, statement);
                return true;
            case PtxOperand.Integer integer when rule.Type.Kind is PtxKind.Bits or PtxKind.Signed or PtxKind.Unsigned:
                place = Constant(rule.Type.Bits == 64 ? 64 : 32, (ulong)integer.Value);
                return FitsIn(integer.Value, rule.Type.Bits);
            case PtxOperand.Number number when rule.Type.Kind is PtxKind.Float or PtxKind.Bits && number.Size == rule.Type.Bits:
                place = Constant(number.Size, number.Bits);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Addresses of variables and special registers.</summary>
    private bool TryPlace(PtxOperand operand, OperandRule rule, out int place)
    {
        place = -1;
        switch (operand)
        {
            case PtxOperand.Symbol symbol when rule.Type is { Kind: PtxKind.Bits or PtxKind.Unsigned, Bits: 64 or 32 } && _symbols.TryGetValue(symbol.Name, out var found):
                place = Constant(rule.Type.Bits, found.Address, found.Variable);
                return found.Variable is null || rule.Type.Bits == 64;
            case PtxOperand.Special special when rule.Type is { Bits: 32, Kind: PtxKind.Unsigned or PtxKind.Bits } && SpecialValues.IsKnown(special.Name):
                if (!_specials.TryGetValue(special.Name, out SpecialRegister register))
                    _specials[special.Name] = register = new(special.Name, Room(NarrowBytes));
                place = register.Place;
                return true;
            default:
                return false;
        }
    }

    private bool TryAddress(PtxOperand.Memory memory, OperandRule rule, PtxStatement statement, out int place, out bool isWide, out long offset)
    {
        (place, isWide, offset) = (-1, true, memory.Offset);
        switch (memory.Base)
        {
            case PtxOperand.Register { IsNegated: false, Value.Type: { Kind: PtxKind.Bits or PtxKind.Unsigned or PtxKind.Signed, Bits: 32 or 64 } type } register:
                // Global addresses have 64 bits; those of shared memory also fit in 32.
                isWide = type.Bits == 64;
                place = Read(register.Value, statement);
                return isWide || rule.Space is PtxSpace.Shared;
            case PtxOperand.Symbol symbol when _symbols.TryGetValue(symbol.Name, out var found) && found.Space == rule.Space:
                place = Constant(64, found.Address, found.Variable);
                return true;
            default:
                return false;
        }
    }

    private static bool FitsIn(long value, int bits) => bits == 64 || (value >= -(1L << (bits - 1)) && value < 1L << bits);

    private int Write(PtxRegister register)
    {
        _written.Add(register);
        return Place(register);
    }

    private int Read(PtxRegister register, PtxStatement statement)
    {
        _read.Add((register, statement));
        return Place(register);
    }

    private int Place(PtxRegister register)
    {
        if (!_places.TryGetValue(register, out int place))
        {
            _places[register] = place = Room(register.Type switch
            {
                { Kind: PtxKind.Predicate } => PredicateBytes,
                { Bits: 64 } => 2 * NarrowBytes,
                _ => NarrowBytes,
            });
        }

        return place;
    }

    private int Constant(int bits, ulong value, PtxVariable? variable = null)
    {
        if (bits == 32)
            value = (uint)value;
        if (!_constants.TryGetValue((bits, value, variable?.Name ?? ""), out ConstantRegister constant))
            _constants[(bits, value, variable?.Name ?? "")] = constant = new(Room(bits / 32 * NarrowBytes), bits, value, variable);
        return constant.Place;
    }

    private int Room(int bytes) => (_bytes += bytes) - bytes;
}
